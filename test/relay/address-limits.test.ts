import { once } from 'node:events';
import { expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { eventually } from '../support/eventually.js';
import { TestClient } from '../support/test-client.js';
import { plainEvent } from './fakes.js';
import { serveRelay } from './served-relay.js';

/** Loopback is the trusted proxy of a served relay, so each client says for whom it speaks. */
const from = (address: string) => ({ 'X-Forwarded-For': address });

/** The status of a handshake that is refused. */
async function refusedStatus(url: string, address: string): Promise<number | undefined> {
  const socket = new WebSocket(url, { headers: from(address) });
  socket.on('error', () => {});
  const [request, response] = await once(socket, 'unexpected-response');
  request.destroy();
  return response.statusCode;
}

it('an address has a share of the connections, whatever its spelling; others have theirs', async () => {
  await using served = await serveRelay({}, { connectionsMax: 2 });
  const first = await TestClient.connect(served.url, from('192.0.2.1'));
  await using _second = await TestClient.connect(served.url, from('::ffff:192.0.2.1'));
  expect(await refusedStatus(served.url, '192.0.2.1')).toBe(429);
  await using _ofPrefix = await TestClient.connect(served.url, from('2001:db8:1:2::1'));
  await using _ofPrefixToo = await TestClient.connect(served.url, from('2001:db8:1:2:ffff::1'));
  expect(await refusedStatus(served.url, '2001:db8:1:2:3:4:5:6')).toBe(429);
  await using _local = await TestClient.connect(served.url);
  await first[Symbol.asyncDispose]();
  await eventually(() => served.relay.connections === 4);
  await using again = await TestClient.connect(served.url, from('192.0.2.1'));
  expect(await again.count({})).toBe(0);
});

it('events and requests count for the address, over all its connections', async () => {
  await using served = await serveRelay({}, { eventsPerMinuteMax: 3, requestsPerMinuteMax: 5 });
  await using one = await TestClient.connect(served.url, from('192.0.2.1'));
  await using two = await TestClient.connect(served.url, from('192.0.2.1'));
  await using other = await TestClient.connect(served.url, from('192.0.2.2'));
  for (const number of [1, 2])
    expect(await one.publish(plainEvent(number))).toMatchObject({ accepted: true });
  expect(await two.publish(plainEvent(3))).toMatchObject({ accepted: true });
  expect(await two.publish(plainEvent(4))).toEqual({
    accepted: false,
    reason: 'rate-limited: at most 3 events a minute from one address; wait a minute',
  });
  expect(await other.publish(plainEvent(4))).toMatchObject({ accepted: true });
  // Each handshake was a request too.
  expect(await one.count({})).toBe(4);
  expect(await two.query({ limit: 1 })).toHaveLength(1);
  two.send('COUNT', 'c', {});
  await two.message(([type]) => type === 'COUNT');
  const reason = 'rate-limited: at most 5 requests a minute from one address; wait a minute';
  for (const [sent, answer] of [
    [
      ['REQ', 'r', {}],
      ['CLOSED', 'r', reason],
    ],
    [
      ['COUNT', 'd', {}],
      ['CLOSED', 'd', reason],
    ],
    [
      ['NEG-OPEN', 'n', {}, '6100'],
      ['NEG-ERR', 'n', reason],
    ],
  ] as const) {
    two.send(...sent);
    expect(await two.message(([type, id]) => type === answer[0] && id === answer[1])).toEqual(answer);
  }
  expect(await other.count({})).toBe(4);
  const response = await fetch(served.url.replace('ws', 'http'), { headers: from('192.0.2.1') });
  expect(response.status).toBe(429);
  expect(response.headers.get('retry-after')).toBe('60');
  expect(await response.text()).toContain(reason);
});

it('bytes count for the address: its live subscriptions end when it had too many', async () => {
  await using served = await serveRelay({ pingIntervalMs: 3_000 }, { bytesPerMinuteMax: 100_000 });
  await using client = await TestClient.connect(served.url, from('192.0.2.1'));
  client.send('REQ', 'live', { limit: 0 });
  await client.message(([type]) => type === 'EOSE');
  let number = 0;
  let closed: readonly unknown[] | undefined;
  void client
    .message(([type]) => type === 'CLOSED')
    .then((message) => {
      closed = message;
    });
  await eventually(() => {
    number += 1;
    served.admission.announce(plainEvent(number, { content: 'x'.repeat(number < 10 ? 20_000 : 1) }));
    return closed !== undefined;
  });
  expect(closed).toEqual([
    'CLOSED',
    'live',
    'rate-limited: at most 100000 bytes a minute for one address; wait a minute',
  ]);
});

it('bytes count for the address', async () => {
  await using served = await serveRelay({ pingIntervalMs: 3_000 }, { bytesPerMinuteMax: 100_000 });
  for (let number = 1; number <= 9; number += 1) {
    served.store.put(plainEvent(number, { content: 'x'.repeat(20_000) }));
  }
  await using client = await TestClient.connect(served.url, from('192.0.2.1'));
  expect(await client.query({})).toHaveLength(9);
  let refused = 0;
  await eventually(async () => {
    refused += 1;
    client.send('COUNT', `${refused}`, {});
    const [type] = await client.message(([, id]) => id === `${refused}`);
    return type === 'CLOSED';
  });
  await using other = await TestClient.connect(served.url, from('192.0.2.2'));
  expect(await other.count({})).toBe(9);
});
