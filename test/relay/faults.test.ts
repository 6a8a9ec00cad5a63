import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { ClientSession } from '../../src/relay/client/client-session.js';
import { Subscription } from '../../src/relay/delivery/subscription.js';
import { BlockPool } from '../../src/relay/frames/block-pool.js';
import { eventually } from '../support/eventually.js';
import { TestClient } from '../support/test-client.js';
import { plainEvent } from './fakes.js';
import { serveRelay } from './served-relay.js';

afterEach(() => {
  vi.restoreAllMocks();
});

const fault = (): never => {
  throw new Error('a fault of ours');
};

async function opened(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url);
  socket.on('error', () => {});
  await once(socket, 'open');
  return socket;
}

type Served = Awaited<ReturnType<typeof serveRelay>>;

async function subscribed(socket: WebSocket, id: string): Promise<void> {
  const answer = once(socket, 'message');
  socket.send(`["REQ","${id}",{"limit":0}]`);
  await answer;
}

/** Each callback of a client's connection: makes it throw, and calls it. */
const callbacks: [string, (victim: WebSocket, served: Served) => void | Promise<void>][] = [
  [
    'a message',
    (victim) => {
      vi.spyOn(ClientSession.prototype, 'receive').mockImplementationOnce(fault);
      victim.send('[]');
    },
  ],
  [
    'a ping',
    (victim) => {
      vi.spyOn(WebSocket.prototype, 'pong').mockImplementationOnce(fault);
      victim.ping();
    },
  ],
  [
    'a change of what may be read',
    (victim) => {
      vi.spyOn(ClientSession.prototype, 'blocked', 'get').mockImplementationOnce(fault);
      victim.send('["COUNT","a",{}]');
    },
  ],
  [
    'the write at the end of a turn',
    async (victim, served) => {
      for (const id of ['a', 'b']) await subscribed(victim, id);
      // One event for two subscriptions: two frames, put together in a block.
      vi.spyOn(BlockPool.prototype, 'take').mockImplementationOnce(fault);
      served.admission.announce(plainEvent(3));
    },
  ],
  [
    'the end of a connection',
    (victim) => {
      vi.spyOn(ClientSession.prototype, Symbol.dispose).mockImplementationOnce(fault);
      victim.terminate();
    },
  ],
];

describe('a callback that throws', () => {
  it.each(callbacks)('ends the connection that it worked for: %s', async (_, failIn) => {
    await using served = await serveRelay();
    served.store.put(plainEvent(1));
    served.store.put(plainEvent(2));
    await using other = await TestClient.connect(served.url);
    const victim = await opened(served.url);
    await eventually(() => served.relay.connections === 2);
    await failIn(victim, served);
    await eventually(() => served.relay.connections === 1);
    expect(served.faults.counts.get('client')).toBe(1);
    expect(await other.count({})).toBe(2);
    victim.terminate();
  });

  it('ends the connection that is looked after by a timer, and the timer goes on', async () => {
    await using served = await serveRelay({ sendStalledMsMax: 60 });
    const victim = await opened(served.url);
    await eventually(() => served.relay.connections === 1);
    const inc = vi.spyOn(served.metrics.bytesIn, 'inc').mockImplementationOnce(fault);
    await eventually(() => served.relay.connections === 0);
    const calls = inc.mock.calls.length;
    await using other = await TestClient.connect(served.url);
    await eventually(() => inc.mock.calls.length > calls);
    expect(await other.count({})).toBe(0);
    victim.terminate();
  });

  it('ends the subscription that a live event was handed to, and tells its client', async () => {
    await using served = await serveRelay();
    await using victim = await TestClient.connect(served.url);
    victim.send('REQ', 'live', { limit: 0 });
    await victim.message(([type]) => type === 'EOSE');
    await using other = await TestClient.connect(served.url);
    other.send('REQ', 'live', { limit: 0 });
    await other.message(([type]) => type === 'EOSE');
    vi.spyOn(Subscription.prototype, 'offer').mockImplementationOnce(fault);
    served.admission.announce(plainEvent(1));
    await other.message(([type]) => type === 'EVENT');
    await victim.message(
      ([type, id, reason]) => type === 'CLOSED' && id === 'live' && /^error: /.test(`${reason}`),
    );
    expect(served.faults.counts.get('client')).toBe(1);
  });

  it('ends the handshake that it worked for', async () => {
    await using served = await serveRelay();
    vi.spyOn(served.metrics.connections, 'inc').mockImplementationOnce(fault);
    const victim = new WebSocket(served.url);
    victim.on('error', () => {});
    await once(victim, 'close');
    expect(served.faults.counts.get('request')).toBe(1);
    await using other = await TestClient.connect(served.url);
    expect(await other.count({})).toBe(0);
  });
});

async function bytesOut({ metrics }: Served): Promise<number> {
  const { values } = await metrics.bytes.get();
  return values.find(({ labels }) => labels.direction === 'out')?.value ?? 0;
}

/** Opens a WebSocket by hand, asks for all events, reads nothing and breaks the connection. */
async function askAndBreak(served: Served, frame: Buffer): Promise<void> {
  const socket = connect(served.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  await once(socket, 'data');
  socket.pause();
  socket.write(frame);
  await eventually(() => served.relay.connections === 1);
  // Until no more leaves, and the rest waits on our side.
  let left = -1;
  for (let now = 0; now > left; now = await bytesOut(served)) {
    left = now;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  socket.resetAndDestroy();
  await eventually(() => served.relay.connections === 0);
}

/** A text frame of a client, masked with zeros. */
function clientFrame(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([0x81, 0x80 | bytes.length, 0, 0, 0, 0]), bytes]);
}

describe('a client that reads nothing and breaks its connection', () => {
  it('leaves counters that never fall', async () => {
    await using served = await serveRelay({ sendStalledMsMax: 60, pingIntervalMs: 60_000 });
    for (let number = 1; number <= 90; number += 1) {
      served.store.put(plainEvent(number, { content: 'x'.repeat(100_000) }));
    }
    await askAndBreak(served, clientFrame('["REQ","all",{}]'));
    expect(served.faults.counts.size).toBe(0);
    await using other = await TestClient.connect(served.url);
    expect(await other.count({})).toBe(90);
  });
});
