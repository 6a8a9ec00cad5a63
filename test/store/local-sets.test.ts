import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { backgroundTurns } from '../../src/config/background-turns.js';
import { limits } from '../../src/config/limits.js';
import type { Kernels, RecordReader } from '../../src/kernels/kernels.js';
import { createWasmKernels } from '../../src/kernels/wasm/kernels.js';
import { type Deferred, deferred } from '../../src/lib/abort.js';
import { toHex } from '../../src/lib/bytes.js';
import type { WorkTurns } from '../../src/lib/turns/turn-scheduler.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import type { Filter } from '../../src/nostr/filter.js';
import type { EventStore } from '../../src/store/event-store.js';
import { createMemoryStore } from '../../src/store/memory-store.js';
import type { LocalSet } from '../../src/store/sets/local-set.js';
import { LocalSets } from '../../src/store/sets/local-sets.js';
import { VirtualClock } from '../support/virtual-clock.js';

const enough = limits.liveSetRecordsMin;
const many = Number.POSITIVE_INFINITY;

function eventOf(n: number, kind = 1, createdAt = 1_000 + (n % 97)): NostrEvent {
  const id = n.toString(16).padStart(64, '0');
  return {
    id,
    pubkey: (n % 5).toString().repeat(64),
    created_at: createdAt,
    kind,
    tags: [],
    content: '',
    sig: '0'.repeat(128),
  };
}

function setUp(
  count: number,
  rowsPerTurn?: number,
): { store: EventStore; kernels: Kernels; sets: LocalSets } {
  const clock = new VirtualClock();
  const { store } = createMemoryStore({
    clock,
    ...(rowsPerTurn === undefined ? {} : { rowsPerTurn }),
  });
  for (let n = 0; n < count; n += 1) store.put(eventOf(n));
  const kernels = createWasmKernels();
  return {
    store,
    kernels,
    sets: new LocalSets(store, kernels, backgroundTurns(clock, 'care')),
  };
}

const idsOf = (set: RecordReader): string[] =>
  Array.from({ length: set.size }, (_, at) => toHex(set.idAt(at)));

function freshIds(store: EventStore, kernels: Kernels, filter: Filter): string[] {
  const builder = kernels.createRecordSet();
  store.collect(filter, builder);
  using set = builder.seal();
  return idsOf(set);
}

describe('local sets', () => {
  it('a set that stands serves any stretch of time of its filter, and follows the store there', async () => {
    const { store, kernels, sets } = setUp(enough);
    (await sets.open({}, many))?.[Symbol.dispose]();
    const built = vi.spyOn(kernels, 'createRecordSet');
    const filter = { since: 1_010, until: 1_020, limit: 3 };
    using set = await sets.open(filter, many);
    expect(built).not.toHaveBeenCalled();
    store.put(eventOf(enough + 1, 1, 1_015));
    expect(set === undefined ? [] : idsOf(set)).toEqual(freshIds(store, kernels, filter));
    expect(await sets.open(filter, 1)).toBeUndefined();
  });

  it('stand from the second time on, and hold what a fresh query gives', async () => {
    const { store, kernels, sets } = setUp(enough);
    const filter = { kinds: [1, 7] };
    (await sets.open(filter, many))?.[Symbol.dispose]();
    expect(sets.live).toBe(0);
    using set = await sets.open({ kinds: [7, 1] }, many);
    expect(sets.live).toBe(1);
    store.put(eventOf(5_000_000));
    store.put(eventOf(5_000_001, 4));
    store.remove(eventOf(3).id);
    expect(idsOf(set as RecordReader)).toEqual(freshIds(store, kernels, filter));
  });

  it('of everything stand from the first time on', async () => {
    const { sets } = setUp(enough);
    using set = await sets.open({}, many);
    expect([set?.size, sets.live]).toEqual([enough, 1]);
  });

  it('that are small do not stand', async () => {
    const { sets } = setUp(enough - 1);
    for (let n = 0; n < 3; n += 1) (await sets.open({}, many))?.[Symbol.dispose]();
    expect(sets.live).toBe(0);
  });

  it('above the limit are not given out, standing or not', async () => {
    const { sets } = setUp(enough);
    expect(await sets.open({}, enough - 1)).toBeUndefined();
    (await sets.open({}, enough))?.[Symbol.dispose]();
    expect(await sets.open({}, enough - 1)).toBeUndefined();
  });

  it('give way when there are too many, but not under a reader', async () => {
    const { store, kernels, sets } = setUp(enough);
    const before = kernels.memory().bytesInUse;
    using first = await sets.open({}, many);
    for (let n = 1; n <= limits.liveSetsMax; n += 1) {
      for (let times = 0; times < 2; times += 1)
        (await sets.open({ kinds: [1, 1_000 + n] }, many))?.[Symbol.dispose]();
    }
    expect(sets.live).toBe(limits.liveSetsMax);
    expect(idsOf(first as RecordReader)).toEqual(freshIds(store, kernels, {}));
    first?.[Symbol.dispose]();
    for (let n = 1; n <= limits.liveSetsMax; n += 1) {
      for (let times = 0; times < 2; times += 1)
        (await sets.open({ kinds: [1, 2_000 + n] }, many))?.[Symbol.dispose]();
    }
    expect(sets.live).toBe(limits.liveSetsMax);
    expect(kernels.memory().bytesInUse - before).toBeLessThan(limits.liveSetsMax * enough * 200);
  });

  it('do not stand where readers hold all that do: a set that nobody accounts for is never left to them', async () => {
    const { kernels, sets } = setUp(enough);
    const held: (Disposable | undefined)[] = [];
    for (let n = 1; n <= limits.liveSetsMax + 2; n += 1) {
      const filter = { kinds: [1, 1_000 + n] };
      (await sets.open(filter, many))?.[Symbol.dispose]();
      const set = await sets.open(filter, many);
      expect(set && sets.isStanding(set)).toBe(n <= limits.liveSetsMax);
      held.push(set);
    }
    expect(sets.live).toBe(limits.liveSetsMax);
    const before = kernels.memory().bytesInUse;
    for (const set of held) set?.[Symbol.dispose]();
    // Only those that do not stand are gone with their readers.
    expect(before - kernels.memory().bytesInUse).toBeLessThan(3 * enough * 100);
  });

  it('equal a fresh query after any changes', async () => {
    const change = fc.record({
      n: fc.integer({ min: 0, max: 3_000 }),
      kind: fc.constantFrom(0, 1, 7, 10_002),
      removes: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 200 }), async (changes) => {
        const { store, kernels, sets } = setUp(enough);
        const filters: Filter[] = [{}, { kinds: [1] }, { authors: ['1'.repeat(64)], until: 1_050 }];
        for (const filter of [...filters, ...filters]) (await sets.open(filter, many))?.[Symbol.dispose]();
        for (const { n, kind, removes } of changes) {
          if (removes) store.remove(eventOf(n, kind).id);
          else store.put(eventOf(n, kind));
        }
        for (const filter of filters) {
          using set = await sets.open(filter, many);
          expect(idsOf(set as RecordReader)).toEqual(freshIds(store, kernels, filter));
        }
      }),
      { numRuns: 20, seed: 3 },
    );
  });

  it('that are made in turns equal a fresh query too, whatever happens between the turns', async () => {
    const change = fc.record({
      n: fc.integer({ min: 0, max: enough * 1.2 }),
      kind: fc.constantFrom(0, 1, 7, 10_002),
      removes: fc.boolean(),
    });
    const filters: Filter[] = [{}, { kinds: [1] }, { kinds: [1, 7], until: 1_050 }, { kinds: [2] }];
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(change, { maxLength: 30 }), { maxLength: 25 }),
        fc.constantFrom(...filters),
        fc.boolean(),
        async (turns, filter, asksBefore) => {
          const { store, kernels, sets } = setUp(enough, 61);
          if (asksBefore) (await sets.open(filter, many))?.[Symbol.dispose]();
          const compare = (set: LocalSet | undefined) => {
            expect(idsOf(set as RecordReader)).toEqual(freshIds(store, kernels, filter));
            set?.[Symbol.dispose]();
          };
          const opened = [sets.open(filter, many).then(compare), sets.open(filter, many).then(compare)];
          for (const changes of turns) {
            for (const { n, kind, removes } of changes) {
              if (removes) store.remove(eventOf(n, 1).id);
              else store.put(eventOf(n, kind));
            }
            await new Promise((resolve) => setImmediate(resolve));
          }
          await Promise.all(opened);
        },
      ),
      { numRuns: 40, seed: 5 },
    );
  });

  it('that change too much while they are made are made anew', async () => {
    const { store, kernels, sets } = setUp(2 * enough, 100);
    const opening = sets.open({ kinds: [1] }, many);
    for (let n = 0; n <= limits.localSetChangesMax; n += 1) store.put(eventOf(10_000 + n));
    for (let n = 0; n < 100; n += 1) store.remove(eventOf(n).id);
    using set = await opening;
    expect(idsOf(set as RecordReader)).toEqual(freshIds(store, kernels, { kinds: [1] }));
  });

  it('above the limit are not made, and those that nobody waits for are given up', async () => {
    const { store, kernels, sets } = setUp(enough, 100);
    const before = kernels.memory().bytesInUse;
    const collect = vi.spyOn(kernels, 'createRecordSet');
    expect(await sets.open({ since: 1 }, 10)).toBeUndefined();
    expect(collect.mock.results[0]?.value.size).toBe(0);
    const leaving = new AbortController();
    const opening = sets.open({ since: 1 }, many, leaving.signal);
    const other = sets.open({ since: 1 }, many);
    leaving.abort(new Error('gone'));
    await expect(opening).rejects.toThrow('gone');
    const set = await other;
    expect(idsOf(set as RecordReader)).toEqual(freshIds(store, kernels, { since: 1 }));
    set?.[Symbol.dispose]();
    expect(kernels.memory().bytesInUse).toBe(before);
  });

  describe('that several ask for while they are made', () => {
    /** Turns that come when they are given, and count what is spent. */
    class GivenTurns implements WorkTurns {
      readonly isOver = false;
      readonly waiting: Deferred<void>[] = [];
      units = 0;
      next(): Promise<void> {
        const turn = deferred<void>();
        this.waiting.push(turn);
        return turn.promise;
      }
      spend(units: number): void {
        this.units += units;
      }
      /** Gives all turns that are asked for, and those after them. */
      async run(): Promise<void> {
        for (let given = this.waiting.splice(0); given.length > 0; given = this.waiting.splice(0)) {
          for (const turn of given) turn.resolve();
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
    }
    const filter = { since: 1 };

    it('go on in the turns of whoever has one, and are charged to them', async () => {
      const { store, kernels, sets } = setUp(enough, 100);
      const made = vi.spyOn(kernels, 'createRecordSet');
      const [late, early] = [new GivenTurns(), new GivenTurns()];
      const opening = [sets.open(filter, many, undefined, late), sets.open(filter, many, undefined, early)];
      const lateUnits = late.units;
      await early.run();
      const opened = await Promise.all(opening);
      expect(made).toHaveBeenCalledTimes(1);
      for (const set of opened) expect(idsOf(set as RecordReader)).toEqual(freshIds(store, kernels, filter));
      expect([late.units, late.waiting.length]).toEqual([lateUnits, 1]);
      expect(early.units).toBeGreaterThan(0);
      for (const set of opened) set?.[Symbol.dispose]();
    });

    it('are not begun anew when who asked first leaves, nor held up by those whose client is gone', async () => {
      const { store, kernels, sets } = setUp(enough, 100);
      const made = vi.spyOn(kernels, 'createRecordSet');
      const [first, gone, other] = [new GivenTurns(), new GivenTurns(), new GivenTurns()];
      const leaving = new AbortController();
      const opening = sets.open(filter, many, leaving.signal, first);
      const ofGone = sets.open(filter, many, undefined, gone);
      await first.waiting.shift()?.resolve();
      await new Promise((resolve) => setImmediate(resolve));
      const ofOther = sets.open(filter, many, undefined, other);
      leaving.abort(new Error('left'));
      await expect(opening).rejects.toThrow('left');
      gone.waiting.shift()?.reject(new Error('gone'));
      await other.run();
      const opened = [await ofGone, await ofOther];
      expect(made).toHaveBeenCalledTimes(1);
      for (const set of opened) expect(idsOf(set as RecordReader)).toEqual(freshIds(store, kernels, filter));
      for (const set of opened) set?.[Symbol.dispose]();
    });

    it('are given up when the last of them leaves, and made anew for who asks then', async () => {
      const { store, kernels, sets } = setUp(enough, 100);
      const before = kernels.memory().bytesInUse;
      const leaving = new AbortController();
      const turns = new GivenTurns();
      const opening = [1, 2].map(() => sets.open(filter, many, leaving.signal, turns));
      leaving.abort(new Error('left'));
      for (const each of opening) await expect(each).rejects.toThrow('left');
      expect(kernels.memory().bytesInUse).toBe(before);
      using set = await sets.open(filter, many);
      expect(idsOf(set as RecordReader)).toEqual(freshIds(store, kernels, filter));
    });

    it('are not waited for by who takes more records', async () => {
      const { sets } = setUp(enough, 100);
      const [late, early] = [new GivenTurns(), new GivenTurns()];
      const small = sets.open(filter, enough - 1, undefined, late);
      const large = sets.open(filter, enough, undefined, early);
      const least = sets.open(filter, 1, undefined, late);
      await early.run();
      expect((await large)?.size).toBe(enough);
      expect(await least).toBeUndefined();
      await late.run();
      expect(await small).toBeUndefined();
    });

    it('give their memory back when all who got them are done, standing or not', async () => {
      const { kernels, sets } = setUp(enough - 1, 100);
      const before = kernels.memory().bytesInUse;
      const opened = await Promise.all([1, 2, 3].map(() => sets.open(filter, many)));
      expect(kernels.memory().bytesInUse - before).toBeLessThan(enough * 100);
      for (const set of opened) {
        expect(kernels.memory().bytesInUse).toBeGreaterThan(before);
        set?.[Symbol.dispose]();
      }
      expect(kernels.memory().bytesInUse).toBe(before);
    });
  });
});
