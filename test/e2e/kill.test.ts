import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { NostrEvent } from '../../src/nostr/event.js';
import { DaemonProcess } from '../support/daemon-process.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { QuickSigner } from '../support/quick-signing.js';
import { TestClient } from '../support/test-client.js';

it('killed while 10,000 events pour in, the relay keeps all that it answered with OK true', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'graspd-kill-'));
  try {
    const acknowledged = await pourAndKill(directory);
    expect(acknowledged.length).toBeGreaterThan(500);
    await using daemon = await DaemonProcess.start({ directory, flags: ['--archive-all'] });
    await using client = await TestClient.connect(daemon.url);
    for (let from = 0; from < acknowledged.length; from += 500) {
      const ids = acknowledged.slice(from, from + 500);
      expect(await client.count({ ids })).toBe(ids.length);
    }
    expect(await client.query({ ids: acknowledged.slice(-500), limit: 500 })).toHaveLength(
      Math.min(500, acknowledged.length),
    );
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}, 120_000);

/** Publishes over many connections, so that the limit of events a minute does not slow it; returns what was acknowledged. */
async function pourAndKill(directory: string): Promise<string[]> {
  await using daemon = await DaemonProcess.start({ directory, flags: ['--archive-all'] });
  const events = someEvents(10_000);
  const acknowledged: string[] = [];
  let killed = false;
  const perClient = 50;
  const clients: TestClient[] = [];
  for (let from = 0; from < events.length && !killed; from += perClient) {
    const client = await TestClient.connect(daemon.url).catch(() => undefined);
    if (client === undefined) break;
    clients.push(client);
    for (const event of events.slice(from, from + perClient)) {
      client.publish(event).then(
        ({ accepted }) => {
          if (accepted) acknowledged.push(event.id);
          if (acknowledged.length > 3_000 && !killed) {
            killed = true;
            daemon.kill('SIGKILL');
          }
        },
        () => {},
      );
    }
  }
  await daemon.exited;
  for (const client of clients) await client[Symbol.asyncDispose]();
  return acknowledged;
}

/** An announcement, and issues of its repository. */
function someEvents(count: number): NostrEvent[] {
  const owner = testIdentity(1);
  const announcement = signedEvent(owner, { kind: 30617, tags: [['d', 'poured']] });
  const signer = new QuickSigner(new Uint8Array(32).fill(7));
  const issues = Array.from({ length: count - 1 }, (_, n) =>
    signer.sign({
      created_at: 1_700_000_000 + n,
      kind: 1621,
      tags: [['a', `30617:${owner.pubkey}:poured`]],
      content: `issue ${n} ${'x'.repeat(500)}`,
    }),
  );
  return [announcement, ...issues];
}
