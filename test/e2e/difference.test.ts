import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.js';
import { eventHash, type NostrEvent } from '../../src/nostr/event.js';
import { openLevelStore } from '../../src/store/level/open-level-store.js';
import { CountingProxy } from '../support/counting-proxy.js';
import { DaemonProcess } from '../support/daemon-process.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { eventually } from '../support/eventually.js';
import { QuickSigner } from '../support/quick-signing.js';

const total = 100_000;
const missing = 1_000;
const issues = 1_000;
/** Every hundredth, issues and comments alike. */
const isMissing = (n: number): boolean => n % (total / missing) === 1;

it('catch-up of 1,000 among 100,000 events moves those and not one more; the next moves none', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'graspd-difference-'));
  try {
    const events = makeEvents();
    const complete = join(folder, 'complete');
    const behind = join(folder, 'behind');
    await fill(complete, events);
    await fill(
      behind,
      events.filter((_, n) => !isMissing(n)),
    );
    await using remote = await DaemonProcess.start({ directory: complete, flags: ['--archive-all'] });
    expect(await catchUp(remote, behind, missing)).toBe(missing);
    expect(await catchUp(remote, behind, 0)).toBe(0);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 120_000);

/** Lets a daemon catch up from the remote through a proxy; returns how many events came over the socket. */
async function catchUp(remote: DaemonProcess, directory: string, expected: number): Promise<number> {
  await using proxy = await CountingProxy.before(remote.url);
  await using daemon = await DaemonProcess.start({
    directory,
    flags: ['--archive-all', '--sync-bootstrap-relay-url', proxy.url, '--sync-startup-delay-secs', '0'],
  });
  const completed = `ngit_sync_catchup_completed_timestamp_seconds{relay="${proxy.url}"}`;
  await eventually(async () => (await daemon.metric(completed)) > 0);
  await eventually(async () => (await daemon.metric('ngit_store_events')) === total);
  // The text of metrics may be a moment old.
  await eventually(
    async () => (await daemon.metric('ngit_sync_events_total{source="catchup"}')) === expected,
  );
  expect(proxy.fromRelay.get('NEG-MSG') ?? 0).toBeGreaterThan(0);
  return proxy.fromRelay.get('EVENT') ?? 0;
}

/** A repository's announcement, its issues, and comments on them; those that one side misses are really signed. */
function makeEvents(): NostrEvent[] {
  const owner = testIdentity(1);
  const signer = new QuickSigner(new Uint8Array(32).fill(9));
  const announcement = signedEvent(owner, { kind: 30617, tags: [['d', 'large']] });
  const events = [announcement];
  while (events.length < total) {
    const n = events.length;
    const issue = events[1 + (n % issues)];
    const event: NostrEvent = {
      id: '',
      pubkey: owner.pubkey,
      created_at: 1_700_000_000 + ((n * 7919) % 1_000_000),
      kind: n <= issues ? 1621 : 1111,
      tags: n <= issues || issue === undefined ? [['a', `30617:${owner.pubkey}:large`]] : [['E', issue.id]],
      content: `number ${n}`,
      sig: announcement.sig,
    };
    events.push(isMissing(n) ? signer.sign(event) : { ...event, id: eventHash(event) });
  }
  return events;
}

async function fill(directory: string, events: readonly NostrEvent[]): Promise<void> {
  const { store } = await openLevelStore({ path: join(directory, 'data', 'relay'), clock: systemClock });
  for (const event of events) store.put(event);
  await store.flush();
  await store[Symbol.asyncDispose]();
}
