import { get } from 'node:http';
import { expect, it } from 'vitest';
import { errorMessage } from '../../src/lib/errors.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { QuickSigner } from '../support/quick-signing.js';
import { SocketHolder } from '../support/socket-holder.js';
import { TestClient } from '../support/test-client.js';

const restarts = 3;

it('started anew upon the same socket, as for an update, it refuses no connection and loses no OK', async () => {
  await using holder = await SocketHolder.start(['--archive-all', '--client-events-per-minute', '0']);
  const port = await holder.port();
  const updated = new AbortController();
  const published: Published = { acknowledged: [], connections: 0 };
  const publishing = publishThrough(port, published, updated.signal);
  const asking = askThrough(port, updated.signal);
  for (let count = 1; count <= restarts; count += 1) {
    const goesOn = () => published.acknowledged.length > 10 * count && published.connections >= count;
    await Promise.race([eventually(goesOn), publishing]);
    await holder.stop(count);
    await holder.line('listening', count + 1);
  }
  await Promise.race([eventually(() => published.connections > restarts), publishing]);
  updated.abort();
  await publishing;
  const { acknowledged, connections } = published;
  expect(connections).toBe(restarts + 1);
  const { answers, failures } = await asking;
  expect(failures).toEqual([]);
  expect(answers).toBeGreaterThan(restarts);
  await using client = await TestClient.connect(`ws://127.0.0.1:${port}`);
  for (let from = 0; from < acknowledged.length; from += 500) {
    const ids = acknowledged.slice(from, from + 500);
    expect(await client.count({ ids })).toBe(ids.length);
  }
}, 60_000);

/** What a publisher has done so far. */
type Published = { readonly acknowledged: string[]; connections: number };

/** Publishes one event after the other; connects again at once where the relay went, and sends again what had no answer. */
async function publishThrough(port: number, published: Published, until: AbortSignal): Promise<void> {
  const events = someEvents();
  let event = events.next().value;
  while (!until.aborted) {
    await using client = await TestClient.connect(`ws://127.0.0.1:${port}`);
    published.connections += 1;
    try {
      while (!until.aborted) {
        const { accepted, reason } = await client.publish(event);
        if (!accepted) throw new Error(`refused: ${reason}`);
        published.acknowledged.push(event.id);
        event = events.next().value;
      }
    } catch (error) {
      if (errorMessage(error) !== 'the relay closed the connection') throw error;
    }
  }
}

/** Asks over a connection of its own, again and again. */
async function askThrough(
  port: number,
  until: AbortSignal,
): Promise<{ readonly answers: number; readonly failures: string[] }> {
  let answers = 0;
  const failures: string[] = [];
  while (!until.aborted) {
    await new Promise<void>((resolve) => {
      const request = get({ port, path: '/healthz', agent: false }, (response) => {
        if (response.statusCode === 200) answers += 1;
        else failures.push(`${response.statusCode}`);
        response.resume().once('end', resolve);
      });
      request.once('error', (error) => {
        failures.push(error.message);
        resolve();
      });
    });
  }
  return { answers, failures };
}

/** An announcement, and issues of its repository without end. */
function* someEvents(): Generator<NostrEvent, never> {
  const owner = testIdentity(1);
  yield signedEvent(owner, { kind: 30617, tags: [['d', 'demo']] });
  const signer = new QuickSigner(new Uint8Array(32).fill(7));
  for (let number = 0; ; number += 1) {
    yield signer.sign({
      kind: 1621,
      created_at: 1_700_000_000,
      tags: [['a', `30617:${owner.pubkey}:demo`]],
      content: `issue ${number}`,
    });
  }
}
