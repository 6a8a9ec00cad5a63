import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { limits } from '../../src/config/limits.js';
import { deferred } from '../../src/lib/abort.js';
import { eventually } from '../support/eventually.js';
import { TestClient } from '../support/test-client.js';
import { plainEvent } from './fakes.js';
import { droppedFrom, serveRelay } from './served-relay.js';

async function opened(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url);
  await once(socket, 'open');
  return socket;
}

/** A WebSocket whose client reads nothing until it is told to, and writes what it likes. */
async function rawSocket(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(
    'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  );
  await once(socket, 'data');
  socket.pause();
  return socket;
}

/** A client that asks for what comes, and reads none of it. */
async function silentSubscriber(port: number, id: string): Promise<Socket> {
  const socket = await rawSocket(port);
  const text = JSON.stringify(['REQ', id, { kinds: [1], limit: 0 }]);
  socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]));
  return socket;
}

/** Resolves with the status of a refused handshake, or `open`. */
async function handshake(url: string): Promise<number | 'open'> {
  const socket = new WebSocket(url);
  const outcome = deferred<number | 'open'>();
  socket.on('open', () => outcome.resolve('open'));
  socket.on('unexpected-response', (request, response) => {
    outcome.resolve(response.statusCode ?? 0);
    request.destroy();
  });
  socket.on('error', () => outcome.resolve(0));
  return await outcome.promise;
}

describe('RelayServer', () => {
  it('stores, answers and passes on over sockets', async () => {
    await using served = await serveRelay();
    await using reader = await TestClient.connect(served.url);
    await using writer = await TestClient.connect(served.url);
    reader.send('REQ', 'live', { kinds: [1] });
    await reader.message(([type]) => type === 'EOSE');
    const event = plainEvent(1, { content: 'grüße 🌍 \\" \u2028' });
    expect(await writer.publish(event)).toEqual({ accepted: true, reason: '' });
    expect(await reader.publish(event)).toEqual({ accepted: true, reason: 'duplicate: duplicate' });
    const [, , live] = await reader.message(([type]) => type === 'EVENT');
    expect(live).toEqual(event);
    expect(await writer.query({})).toEqual([event]);
    expect(await writer.count({})).toBe(1);
  });

  it('streams more than fits in the send queue, to a client that reads', async () => {
    await using served = await serveRelay({
      sendBytesHigh: 20_000,
      sendBytesLow: 5_000,
      sendBytesMax: 60_000,
    });
    for (let number = 1; number <= 2_000; number += 1) {
      served.store.put(plainEvent(number, { content: 'x'.repeat(1_000) }));
    }
    await using client = await TestClient.connect(served.url);
    expect(await client.query({ limit: 2_000 })).toHaveLength(2_000);
  });

  it('drops a client that does not read its live events, and serves the others', async () => {
    await using served = await serveRelay({ sendBytesMax: 300_000 });
    const sleeper = await opened(served.url);
    sleeper.send('["REQ","live",{"limit":0}]');
    await once(sleeper, 'message');
    sleeper.pause();
    await using reader = await TestClient.connect(served.url);
    reader.send('REQ', 'live', { limit: 0 });
    await reader.message(([type]) => type === 'EOSE');
    let sent = 0;
    while (served.relay.connections > 1) {
      sent += 1;
      served.admission.announce(plainEvent(sent, { content: 'x'.repeat(100_000) }));
      await reader.message(
        ([type, , event]) => type === 'EVENT' && (event as { id: string }).id === plainEvent(sent).id,
      );
    }
    expect(await droppedFrom(served)).toEqual({ slow: 1 });
    expect(reader.received.filter(([type]) => type === 'EVENT')).toHaveLength(sent);
    sleeper.terminate();
  });

  it.each([
    ['of one id', 60_000, 3_000_000, () => 'silent'],
    ['with ids of their own, for large events', 1_100_000, 60_000_000, (at: number) => `silent-${at}`],
  ])(
    'bounds what waits for all clients together: silent subscribers give way, the others have everything: %s',
    async (_, chars, memoryBytesMax, idOf) => {
      await using served = await serveRelay({ memoryBytesMax });
      await using reader = await TestClient.connect(served.url);
      await using writer = await TestClient.connect(served.url);
      const silent = await Promise.all(
        Array.from({ length: 12 }, (_, at) => silentSubscriber(served.port, idOf(at))),
      );
      reader.send('REQ', 'live', { kinds: [1] });
      await reader.message(([type]) => type === 'EOSE');
      await eventually(() =>
        served.metrics.subscriptions.get().then(({ values }) => values[0]?.value === 13),
      );
      let highest = 0;
      const content = 'x'.repeat(chars);
      for (let number = 1; served.relay.connections > 2; number += 1) {
        await writer.publish(plainEvent(number, { content }));
        highest = Math.max(highest, served.relay.memoryBytes);
        await reader.message(
          ([type, , event]) => type === 'EVENT' && (event as { id: string }).id === plainEvent(number).id,
        );
      }
      expect(highest).toBeLessThanOrEqual(memoryBytesMax);
      expect(await droppedFrom(served)).toEqual({ memory: silent.length });
      await eventually(() => served.relay.memoryBytes < 100_000);
      for (const socket of silent) socket.destroy();
    },
  );

  it('bounds what is held of messages that do not come whole', async () => {
    const memoryBytesMax = 4_000_000;
    await using served = await serveRelay({ memoryBytesMax });
    await using reader = await TestClient.connect(served.url);
    const slow = await Promise.all(Array.from({ length: 20 }, () => rawSocket(served.port)));
    let highest = 0;
    for (const socket of slow) {
      // A masked text message of a million bytes, of which some are missing.
      socket.write(Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 0x0f, 0x42, 0x40, 0, 0, 0, 0]));
      socket.write(Buffer.alloc(400_000, ' '));
    }
    await eventually(async () => {
      highest = Math.max(highest, served.relay.memoryBytes);
      return (await droppedFrom(served)).memory !== undefined;
    });
    expect(highest).toBeLessThanOrEqual(memoryBytesMax);
    expect(await reader.query({})).toEqual([]);
    for (const socket of slow) socket.destroy();
    await eventually(() => served.relay.memoryBytes < 100_000);
  });

  it('drops a client that stops reading in the middle of an answer', async () => {
    await using served = await serveRelay({
      sendBytesHigh: 50_000,
      sendBytesLow: 10_000,
      sendStalledMsMax: 300,
    });
    for (let number = 1; number <= 200; number += 1) {
      served.store.put(plainEvent(number, { content: 'x'.repeat(100_000) }));
    }
    const sleeper = await opened(served.url);
    sleeper.send('["REQ","all",{}]');
    sleeper.pause();
    await eventually(() => served.relay.connections === 0);
    sleeper.terminate();
  });

  it('drops a client that answers no ping, and keeps one that does', async () => {
    await using served = await serveRelay({ pingIntervalMs: 100 });
    const deaf = new WebSocket(served.url, { autoPong: false });
    await once(deaf, 'open');
    await using alive = await TestClient.connect(served.url);
    await eventually(() => served.relay.connections === 1);
    expect(alive.closed).toBe(false);
    expect(await alive.count({})).toBe(0);
    deaf.terminate();
  });

  it('answers pings', async () => {
    await using served = await serveRelay();
    const socket = await opened(served.url);
    socket.ping('x');
    const [data] = (await once(socket, 'pong')) as [Buffer];
    expect(data.toString()).toBe('x');
    socket.terminate();
  });

  it('answers the last of many pings that come in one piece', async () => {
    await using served = await serveRelay();
    using answers = vi.spyOn(WebSocket.prototype, 'pong');
    const stream = await rawSocket(Number(new URL(served.url).port));
    const ping = (text: string) => Buffer.from([0x89, 0x80 | text.length, 0, 0, 0, 0, ...Buffer.from(text)]);
    stream.write(Buffer.concat([...Array<Buffer>(500).fill(ping('')), ping('last')]));
    let answer = '';
    stream.resume().on('data', (bytes: Buffer) => {
      answer += bytes.toString('latin1');
    });
    await eventually(() => answer.endsWith('last'));
    expect(answers.mock.calls.length).toBeLessThan(50);
    stream.destroy();
  });

  it.each([
    ['pings', 0x89],
    ['pongs', 0x8a],
  ])('ends the connection of a client that sends nothing but %s', async (_, head) => {
    await using served = await serveRelay();
    const stream = await rawSocket(Number(new URL(served.url).port));
    const frame = Buffer.from([head, 0x80, 0, 0, 0, 0]);
    stream.resume().write(Buffer.concat(Array<Buffer>(limits.clientPingsPerMinuteMax + 200).fill(frame)));
    await once(stream, 'close');
    await eventually(() => served.relay.connections === 0);
  });

  it('does not read on while events wait for their outcome', async () => {
    await using served = await serveRelay({ eventsInFlightMax: 10 });
    const gate = deferred<void>();
    served.admission.decide = async () => {
      await gate.promise;
      return { type: 'stored' };
    };
    await using client = await TestClient.connect(served.url);
    const content = 'x'.repeat(20_000);
    for (let number = 1; number <= 500; number += 1) client.send('EVENT', plainEvent(number, { content }));
    await eventually(() => served.admission.submitted.length >= 10);
    await using other = await TestClient.connect(served.url);
    expect(await other.count({})).toBe(0);
    expect(served.admission.submitted.length).toBeLessThan(20);
    gate.resolve();
    await client.message(([type, id]) => type === 'OK' && id === plainEvent(500).id);
    expect(client.received).toHaveLength(500);
  });

  it('closes a connection with a message that is too long, and tells what is binary', async () => {
    await using served = await serveRelay({ messageBytesMax: 1_000 });
    const socket = await opened(served.url);
    socket.send(Buffer.from('[]'));
    const [notice] = (await once(socket, 'message')) as [Buffer];
    expect(notice.toString()).toMatch(/^\["NOTICE","invalid: /);
    socket.send('x'.repeat(1_001));
    const [code] = await once(socket, 'close');
    expect(code).toBe(1009);
  });

  it('refuses connections above the limit, and takes them again when there is room', async () => {
    await using served = await serveRelay({ connectionsMax: 1 });
    const first = await opened(served.url);
    expect(await handshake(served.url)).toBe(503);
    first.close();
    await eventually(() => served.relay.connections === 0);
    await using second = await TestClient.connect(served.url);
    expect(await second.count({})).toBe(0);
  });

  it.each(['http', 'https', 'ws'])('takes a handshake whose target is absolute (%s)', async (scheme) => {
    await using served = await serveRelay();
    const socket = connect(served.port, '127.0.0.1').setEncoding('utf8');
    socket.write(
      `GET ${scheme}://git.example.org/?a=b HTTP/1.1\r\nHost: git.example.org\r\nConnection: Upgrade\r\n` +
        'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    const [answer] = await once(socket, 'data');
    expect(answer).toMatch(/^HTTP\/1.1 101 /);
    socket.destroy();
  });

  it('serves WebSockets at / only', async () => {
    await using served = await serveRelay();
    expect(await handshake(`${served.url}/elsewhere`)).toBe(404);
    const socket = await opened(`${served.url}/?a=b`);
    socket.terminate();
  });

  it.each([
    ['no key', 'Sec-WebSocket-Version: 13'],
    ['a wrong version', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 7'],
  ])('answers a handshake with %s as every request: with CORS', async (_, header) => {
    await using served = await serveRelay();
    const socket = connect(served.port, '127.0.0.1').setEncoding('utf8');
    socket.write(
      `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${header}\r\n\r\n`,
    );
    let answer = '';
    for await (const text of socket) answer += text;
    expect(answer).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/);
    expect(answer).toContain('Access-Control-Allow-Origin: *');
    expect(answer).toContain('Sec-WebSocket-Version: 13');
    expect(served.relay.connections).toBe(0);
    expect(await handshake(served.url)).toBe('open');
  });

  it('tells its clients when it closes, answers what is in hand, and takes no more', async () => {
    await using served = await serveRelay();
    const gate = deferred<void>();
    served.admission.decide = async () => {
      await gate.promise;
      return { type: 'stored' };
    };
    const client = await TestClient.connect(served.url);
    const socket = await opened(served.url);
    client.send('REQ', 'live', {});
    await client.message(([type]) => type === 'EOSE');
    client.send('EVENT', plainEvent(1));
    await eventually(() => served.admission.submitted.length === 1);
    const closed = once(socket, 'close');
    const closing = served.relay.close();
    await client.message(([type]) => type === 'CLOSED');
    expect(await handshake(served.url)).toBe(503);
    gate.resolve();
    await client.message(([type, , accepted]) => type === 'OK' && accepted === true);
    await closing;
    expect((await closed)[0]).toBe(1001);
    expect(served.relay.connections).toBe(0);
  });

  it('closes in bounded time with clients that do not answer and work that does not end', async () => {
    await using served = await serveRelay({ closeMsMax: 100 });
    served.admission.decide = () => new Promise(() => {});
    const client = await TestClient.connect(served.url);
    client.send('EVENT', plainEvent(1));
    const raw = connect(served.port, '127.0.0.1');
    raw.on('error', () => {});
    raw.write(
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    await eventually(() => served.relay.connections === 2 && served.admission.submitted.length === 1);
    await served.relay.close();
    expect(served.relay.connections).toBe(0);
    raw.destroy();
  });

  it('counts what it does', async () => {
    await using served = await serveRelay();
    const client = await TestClient.connect(served.url);
    client.send('REQ', 'a', {});
    await client.message(([type]) => type === 'EOSE');
    await client.publish(plainEvent(1));
    await client.message(([type]) => type === 'EVENT');
    const { connections, subscriptions, events, deliveries, bytes } = served.metrics;
    const value = async (metric: { get(): Promise<{ values: { value: number }[] }> }) =>
      (await metric.get()).values[0]?.value;
    expect(await value(connections)).toBe(1);
    expect(await value(subscriptions)).toBe(1);
    expect(await value(events)).toBe(1);
    expect(await value(deliveries)).toBe(1);
    await client[Symbol.asyncDispose]();
    await eventually(() => served.relay.connections === 0);
    expect(await value(connections)).toBe(0);
    expect(await value(subscriptions)).toBe(0);
    expect(await value(bytes)).toBeGreaterThan(100);
  });

  it('survives whatever is sent to it', async () => {
    await using served = await serveRelay();
    const word = fc.constantFrom(
      'EVENT',
      'REQ',
      'CLOSE',
      'COUNT',
      'AUTH',
      'NEG-OPEN',
      'NEG-MSG',
      'NEG-CLOSE',
      '',
    );
    const part = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.constantFrom<unknown>(
        'a',
        {},
        { kinds: [] },
        { ids: ['x'] },
        { limit: 1e9 },
        { since: -1 },
        { '#e': [''] },
      ),
      fc.constantFrom<unknown>('61', '6100', plainEvent(1), { ...plainEvent(2), tags: {} }, null),
    );
    const frames = fc.oneof(
      fc.tuple(word, fc.array(part, { maxLength: 4 })).map(([type, rest]) => JSON.stringify([type, ...rest])),
      fc.string({ unit: 'grapheme', maxLength: 50 }),
      fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
    );
    const sent = fc.sample(frames, { numRuns: 2_000, seed: 7 });
    // No more on one connection than it may send that cannot be read.
    for (let at = 0; at < sent.length; at += 500) {
      const socket = await opened(served.url);
      const answered = deferred<void>();
      socket.on('message', (data) => {
        if (data.toString().startsWith('["COUNT","last"')) answered.resolve();
      });
      for (const frame of sent.slice(at, at + 500)) socket.send(frame);
      socket.send('["COUNT","last",{}]');
      await answered.promise;
      socket.terminate();
    }
  });

  it('survives bytes that are no WebSocket frames', async () => {
    await using served = await serveRelay();
    const junk = fc.uint8Array({ minLength: 1, maxLength: 200 });
    for (const bytes of fc.sample(junk, { numRuns: 50, seed: 3 })) {
      const raw = connect(served.port, '127.0.0.1');
      raw.on('error', () => {});
      raw.write(
        'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      );
      await once(raw, 'data');
      raw.end(bytes);
    }
    await eventually(() => served.relay.connections === 0);
    await using client = await TestClient.connect(served.url);
    expect(await client.count({})).toBe(0);
  });
});
