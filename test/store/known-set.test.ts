import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { limits } from '../../src/config/limits.js';
import type { Kernels, RecordReader } from '../../src/kernels/kernels.js';
import { createReferenceKernels } from '../../src/kernels/reference/kernels.js';
import { createWasmKernels } from '../../src/kernels/wasm/kernels.js';
import { toHex } from '../../src/lib/bytes.js';
import { unixSeconds } from '../../src/lib/clock.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import type { StoreObserver } from '../../src/store/event-store.js';
import { createMemoryStore } from '../../src/store/memory-store.js';
import type { OpenedStore } from '../../src/store/opened-store.js';
import { KnownSet } from '../../src/store/sets/known-set.js';
import { VirtualClock } from '../support/virtual-clock.js';

fc.configureGlobal({ seed: 20260102 });

const startSeconds = unixSeconds(new VirtualClock());

/** Kind 0 is replaceable, so that events leave the store by others. */
function eventOf(n: number): NostrEvent {
  return {
    id: n.toString(16).padStart(64, '0'),
    pubkey: (n % 3).toString().repeat(64),
    created_at: 1_000 + (n % 17),
    kind: n % 4 === 0 ? 0 : 1,
    tags: n % 5 === 0 ? [['expiration', `${startSeconds + 60 + n}`]] : [],
    content: '',
    sig: '0'.repeat(128),
  };
}

const idsOf = (set: RecordReader): string[] =>
  Array.from({ length: set.size }, (_, at) => toHex(set.idAt(at)));

/** What is known by a fresh question. */
function known({ store, refused }: OpenedStore, kernels: Kernels): string[] {
  const builder = kernels.createRecordSet();
  store.collect({}, builder);
  refused.collect({}, builder);
  using set = builder.seal();
  return idsOf(set);
}

type Change = { readonly what: 'put' | 'refuse' | 'forget' | 'remove' | 'wait'; readonly n: number };

function change(
  { store, refused }: OpenedStore,
  clock: VirtualClock,
  { what, n }: Change,
): Promise<void> | void {
  const event = eventOf(n);
  if (what === 'put') store.put(event);
  else if (what === 'refuse') refused.add(event, 'blocked: for a test');
  else if (what === 'forget') refused.delete(event.id);
  else if (what === 'remove') store.remove(event.id);
  else return clock.advance(n * 1_000);
}

const changes = fc.array(
  fc.record({
    what: fc.constantFrom('put', 'put', 'put', 'refuse', 'forget', 'remove', 'wait'),
    n: fc.nat(60),
  }) as fc.Arbitrary<Change>,
  { maxLength: 120 },
);

describe.each([
  ['wasm', createWasmKernels],
  ['reference', createReferenceKernels],
] as const)('the set of all that is known (%s)', (_, createKernels) => {
  it('equals a fresh question at all times, whatever comes, goes, is refused, forgotten and expires', async () => {
    await fc.assert(
      fc.asyncProperty(changes, changes, changes, async (before, meanwhile, after) => {
        const clock = new VirtualClock();
        const opened = createMemoryStore({ clock, rowsPerTurn: 3, refusedIdsMax: 20 });
        const kernels = createKernels();
        const knownSet = new KnownSet(opened.store, opened.refused, kernels);
        for (const each of before) await change(opened, clock, each);
        const opening = knownSet.open();
        for (const each of meanwhile) await change(opened, clock, each);
        using set = await opening;
        if (set === undefined) throw new Error('there is room');
        expect(idsOf(set)).toEqual(known(opened, kernels));
        for (const each of after) await change(opened, clock, each);
        expect(idsOf(set)).toEqual(known(opened, kernels));
      }),
      { numRuns: 60 },
    );
  });

  it('is read by stretches of time too', async () => {
    const opened = createMemoryStore({ clock: new VirtualClock() });
    for (let n = 0; n < 100; n += 1) opened.store.put(eventOf(4 * n + 1));
    const kernels = createKernels();
    const knownSet = new KnownSet(opened.store, opened.refused, kernels);
    using all = await knownSet.open();
    using part = await knownSet.open({ since: 1_004, until: 1_006 });
    if (all === undefined || part === undefined) throw new Error('there is room');
    const times = Array.from({ length: all.size }, (_, at) => Number(all.timestampAt(at)));
    expect(part.size).toBe(times.filter((time) => time >= 1_004 && time <= 1_006).length);
    opened.store.put({ ...eventOf(9_001), created_at: 1_005, tags: [] });
    expect(part.size).toBe(times.filter((time) => time >= 1_004 && time <= 1_006).length + 1);
  });

  it('has no more what was stored and is lost', async () => {
    const { store, refused } = createMemoryStore({ clock: new VirtualClock() });
    const events = [eventOf(1), eventOf(2), eventOf(3)] as const;
    for (const event of events) store.put(event);
    const observers: StoreObserver[] = [];
    const observed = {
      collect: store.collect.bind(store),
      collectInTurns: store.collectInTurns.bind(store),
      observe: (observer: StoreObserver) => observers.push(observer),
    };
    using set = await new KnownSet(observed, refused, createKernels()).open();
    if (set === undefined) throw new Error('there is room');
    const [superseded, lost] = events;
    for (const observer of observers) {
      observer.removed({ ...superseded, bytes: 512 }, 'id');
      observer.removed({ ...lost, bytes: 512 }, 'nothing');
    }
    expect(idsOf(set)).toEqual([superseded.id, events[2].id]);
  });

  it('is made once for all who ask at the same time', async () => {
    const opened = createMemoryStore({ clock: new VirtualClock() });
    for (let n = 0; n < 100; n += 1) opened.store.put(eventOf(n));
    const kernels = createKernels();
    const knownSet = new KnownSet(opened.store, opened.refused, kernels);
    const sets = await Promise.all([knownSet.open(), knownSet.open(), knownSet.open()]);
    const bytes = kernels.memory().bytesInUse;
    expect(sets.map((set) => set?.size)).toEqual([100, 100, 100].map(() => sets[0]?.size));
    for (const set of sets) set?.[Symbol.dispose]();
    (await knownSet.open())?.[Symbol.dispose]();
    expect(kernels.memory().bytesInUse).toBe(bytes);
  });

  it('is made anew when more happened meanwhile than is kept', async () => {
    const opened = createMemoryStore({ clock: new VirtualClock(), rowsPerTurn: 3 });
    for (let n = 0; n < 20; n += 1) opened.store.put(eventOf(4 * n + 1));
    const kernels = createKernels();
    const knownSet = new KnownSet(opened.store, opened.refused, kernels);
    const opening = knownSet.open();
    for (let n = 0; n <= limits.localSetChangesMax; n += 1) opened.store.put(eventOf(4 * (n + 100) + 1));
    using set = await opening;
    expect(set?.size).toBe(known(opened, kernels).length);
  });
});

it('is not there when the kernels have no room for it, and is tried again only by who asks for it', async () => {
  const opened = createMemoryStore({ clock: new VirtualClock() });
  for (let n = 0; n < 9_000; n += 1) opened.store.put(eventOf(4 * n + 1));
  const kernels = createWasmKernels({ bytesMax: 262_144 });
  const collected = vi.spyOn(opened.store, 'collectInTurns');
  const knownSet = new KnownSet(opened.store, opened.refused, kernels);
  knownSet.prepare();
  expect(await knownSet.open()).toBeUndefined();
  expect(collected).toHaveBeenCalledTimes(1);
  knownSet.prepare();
  knownSet.prepare();
  expect(collected).toHaveBeenCalledTimes(1);
  expect(await knownSet.open()).toBeUndefined();
  expect(collected).toHaveBeenCalledTimes(2);
});
