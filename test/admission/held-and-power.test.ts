import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { NostrEvent } from '../../src/nostr/event.js';
import { StoreError } from '../../src/store/event-store.js';
import { openLevelStore } from '../../src/store/level/open-level-store.js';
import { address, announcement, event, key, pullRequest, state } from '../policy/world.js';
import { interceptWrites } from '../store/support/intercepted-writes.js';
import { openHoldingAdmission } from '../support/holding-admission.js';
import { VirtualClock } from '../support/virtual-clock.js';

const [alice, bob] = [key(1), key(2)];
const sha1 = '1'.repeat(40);
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'graspd-held-'));
});

afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

/** What is true of an event by its last answer: it has to outlive any failure from then on. */
type Answer = 'held' | 'stored' | 'gone';

it('A power failure ahead of any write leaves each event as it was answered last: held, stored or gone', async () => {
  const clock = new VirtualClock();
  const open = (path: string) => openLevelStore({ path, clock });
  const path = join(folder, 'data');
  const opened = await open(path);
  const here = await openHoldingAdmission({ opened, clock });
  const promises = new Map<NostrEvent, Answer>();
  const crashes: ReadonlyMap<NostrEvent, Answer>[] = [];
  // What is not forced to the disk is lost: the files as they are before each write are those of the write before.
  interceptWrites(async () => {
    const number = crashes.push(new Map(promises)) - 1;
    await cp(path, join(folder, `crash-${number}`), { recursive: true });
  });

  const submit = async (one: NostrEvent): Promise<void> => {
    promises.set(one, (await here.submit(one)) as Answer);
  };
  const announced = announcement(alice, 'repo', { maintainers: [bob] });
  const vain = announcement(bob, 'vain');
  const first = state(alice, 'repo', ['refs/heads/main', sha1]);
  const second = state(alice, 'repo', ['refs/heads/main', '2'.repeat(40)]);
  const request = pullRequest(bob, [address(alice, 'repo')]);
  const issue = event(bob, 1621, [['a', address(alice, 'repo')]]);
  for (const one of [announced, vain, first, request, issue]) await submit(one);
  promises.set(first, 'gone');
  await submit(second);
  promises.set(vain, 'gone');
  await submit(event(bob, 5, [['e', vain.id]]));
  for (const [one, hanging] of [
    [announced, [issue]],
    [second, []],
    [request, []],
  ] as const) {
    // Between the two answers an event may be either.
    for (const each of [one, ...hanging]) promises.delete(each);
    await here.arrive(one);
    promises.set(one, 'stored');
  }
  await here.admission.announced();
  await here.store.flush();
  promises.set(issue, 'stored');
  await submit(event(bob, 1111, [['E', issue.id]]));
  vi.restoreAllMocks();
  await here.store[Symbol.asyncDispose]();
  expect(here.errors).toEqual([]);
  expect(crashes.length).toBeGreaterThan(8);

  for (const [number, answered] of crashes.entries()) {
    const reopened = await open(join(folder, `crash-${number}`));
    const after = await openHoldingAdmission({ opened: reopened, clock });
    await clock.advance(1);
    const known = [announced, vain, first, second, request, issue];
    for (const one of known) {
      const isBoth = after.store.has(one.id) && after.purgatory.has(one.id);
      expect(isBoth, `${number}: ${one.kind}`).toBe(false);
    }
    for (const [one, promised] of answered) {
      const is = after.store.has(one.id) ? 'stored' : after.purgatory.has(one.id) ? 'held' : 'gone';
      // An event that is on its way to be gone may still be there.
      if (promised !== 'gone') expect(is, `${number}: ${one.kind}`).toBe(promised);
    }
    await after.store[Symbol.asyncDispose]();
  }
});

it('An event whose journal cannot be written is not answered as held, and the daemon is told', async () => {
  const opened = await openLevelStore({ path: join(folder, 'data'), clock: new VirtualClock() });
  const here = await openHoldingAdmission({ opened, clock: new VirtualClock() });
  interceptWrites(() => Promise.reject(new Error('no space left')));
  await expect(here.submit(announcement(alice, 'repo'))).rejects.toThrow(StoreError);
  await expect(here.failed).rejects.toThrow('no space left');
  await here.store[Symbol.asyncDispose]();
});
