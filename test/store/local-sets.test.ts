import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import type { Kernels, RecordReader } from '../../src/kernels/kernels.js';
import { createWasmKernels } from '../../src/kernels/wasm.js';
import { toHex } from '../../src/lib/bytes.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import type { Filter } from '../../src/nostr/filter.js';
import type { EventStore } from '../../src/store/event-store.js';
import { LocalSets } from '../../src/store/local-sets.js';
import { createMemoryStore } from '../../src/store/memory-store.js';
import { VirtualClock } from '../support/virtual-clock.js';

const enough = limits.standingSetRecordsMin;
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

function setUp(count: number): { store: EventStore; kernels: Kernels; sets: LocalSets } {
  const { store } = createMemoryStore({ clock: new VirtualClock() });
  for (let n = 0; n < count; n += 1) store.put(eventOf(n));
  const kernels = createWasmKernels();
  return { store, kernels, sets: new LocalSets(store, kernels) };
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
  it('stand from the second time on, and hold what a fresh query gives', () => {
    const { store, kernels, sets } = setUp(enough);
    const filter = { kinds: [1, 7] };
    sets.open(filter, many)?.[Symbol.dispose]();
    expect(sets.standing).toBe(0);
    using set = sets.open({ kinds: [7, 1] }, many);
    expect(sets.standing).toBe(1);
    store.put(eventOf(5_000_000));
    store.put(eventOf(5_000_001, 4));
    store.remove(eventOf(3).id);
    expect(idsOf(set as RecordReader)).toEqual(freshIds(store, kernels, filter));
  });

  it('of everything stand from the first time on', () => {
    const { sets } = setUp(enough);
    using set = sets.open({}, many);
    expect([set?.size, sets.standing]).toEqual([enough, 1]);
  });

  it('that are small do not stand', () => {
    const { sets } = setUp(enough - 1);
    for (let n = 0; n < 3; n += 1) sets.open({}, many)?.[Symbol.dispose]();
    expect(sets.standing).toBe(0);
  });

  it('above the limit are not given out, standing or not', () => {
    const { sets } = setUp(enough);
    expect(sets.open({}, enough - 1)).toBeUndefined();
    sets.open({}, enough)?.[Symbol.dispose]();
    expect(sets.open({}, enough - 1)).toBeUndefined();
  });

  it('give way when there are too many, but not under a reader', () => {
    const { store, kernels, sets } = setUp(enough);
    const before = kernels.memory().bytesInUse;
    using first = sets.open({}, many);
    for (let n = 1; n <= limits.standingSetsMax; n += 1) {
      for (let times = 0; times < 2; times += 1) sets.open({ since: n }, many)?.[Symbol.dispose]();
    }
    expect(sets.standing).toBe(limits.standingSetsMax);
    expect(idsOf(first as RecordReader)).toEqual(freshIds(store, kernels, {}));
    first?.[Symbol.dispose]();
    for (let n = 1; n <= limits.standingSetsMax; n += 1) {
      for (let times = 0; times < 2; times += 1) sets.open({ until: 10_000 + n }, many)?.[Symbol.dispose]();
    }
    expect(sets.standing).toBe(limits.standingSetsMax);
    expect(kernels.memory().bytesInUse - before).toBeLessThan(limits.standingSetsMax * enough * 200);
  });

  it('equal a fresh query after any changes', () => {
    const change = fc.record({
      n: fc.integer({ min: 0, max: 3_000 }),
      kind: fc.constantFrom(0, 1, 7, 10_002),
      removes: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
        const { store, kernels, sets } = setUp(enough);
        const filters: Filter[] = [{}, { kinds: [1] }, { authors: ['1'.repeat(64)], until: 1_050 }];
        for (const filter of [...filters, ...filters]) sets.open(filter, many)?.[Symbol.dispose]();
        for (const { n, kind, removes } of changes) {
          if (removes) store.remove(eventOf(n, kind).id);
          else store.put(eventOf(n, kind));
        }
        for (const filter of filters) {
          using set = sets.open(filter, many);
          expect(idsOf(set as RecordReader)).toEqual(freshIds(store, kernels, filter));
        }
      }),
      { numRuns: 20, seed: 3 },
    );
  });
});
