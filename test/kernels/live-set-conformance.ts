import fc from 'fast-check';
import { expect, it } from 'vitest';
import { KernelUsageError } from '../../src/kernels/errors.js';
import type { Kernels, LiveSet, RecordReader } from '../../src/kernels/kernels.js';
import { toHex } from '../../src/lib/bytes.js';
import { type Random, randomInteger, seededRandom } from '../../src/lib/random.js';
import { record, records } from './arbitraries.js';
import { expectBatch } from './fingerprint-batch.js';
import { fingerprintByBigInt, recordBytesOf, sortedOnce, sortKey, type TestRecord } from './independent.js';

const idsOf = (set: RecordReader): string => {
  const ids = new Uint8Array(set.size * 32);
  set.copyIds(0, set.size, ids, 0);
  return toHex(ids);
};

/** A record that is one of few, so that it is often there already. */
function oneOf(random: Random, count: number): TestRecord {
  const number = randomInteger(random, count);
  const id = new Uint8Array(32).fill(number & 255);
  new DataView(id.buffer).setUint32(0, Math.imul(number, 0x9e3779b1));
  return { timestamp: BigInt(number % 1000), id };
}

/** Inserts or deletes many times, beside a map that does the same. */
function churn(
  set: LiveSet,
  model: Map<string, TestRecord>,
  random: Random,
  steps: number,
  inserts: number,
): void {
  for (let i = 0; i < steps; i++) {
    const each = oneOf(random, 40_000);
    const key = sortKey(each);
    const insert = random.next() < inserts;
    const changed = insert ? set.insert(each.timestamp, each.id) : set.delete(each.timestamp, each.id);
    // An assertion for every step would take most of the time.
    if (changed === (insert === model.has(key))) expect.fail(`step ${i} said ${changed}`);
    if (insert) model.set(key, each);
    else model.delete(key);
  }
}

/** Whether a live set answers as a set sealed from the same records. */
function expectSameAsSealed(
  kernels: Kernels,
  set: LiveSet,
  all: readonly TestRecord[],
  random: Random,
): void {
  const builder = kernels.createRecordSet();
  builder.append(all.length).set(recordBytesOf(all));
  using sealed = builder.seal();
  expect(set.size).toBe(sealed.size);
  expect(idsOf(set)).toBe(idsOf(sealed));
  expectBatch(set, random, [1, 4, 30]);
  for (let i = 0; i < 60; i++) {
    const [a, b] = [randomInteger(random, sealed.size + 1), randomInteger(random, sealed.size + 1)];
    const [begin, end] = [Math.min(a, b), Math.max(a, b)];
    expect(toHex(set.fingerprint(begin, end))).toBe(toHex(sealed.fingerprint(begin, end)));
    const bound = oneOf(random, 40_000);
    const prefix = bound.id.subarray(0, randomInteger(random, 33));
    const place = sealed.lowerBound(bound.timestamp, prefix);
    expect(set.lowerBound(bound.timestamp, prefix)).toBe(place);
    expect(set.lowerBound(bound.timestamp, prefix, begin)).toBe(place);
    if (a >= sealed.size) continue;
    expect(set.timestampAt(a)).toBe(sealed.timestampAt(a));
    expect(set.idAt(a)).toEqual(sealed.idAt(a));
  }
}

export function liveSetConformance(create: () => Kernels): void {
  const kernels = create();
  // The plain array of the reference needs no depth to be tested, and is slow.
  const steps = kernels.name === 'wasm' ? 12_000 : 1_000;

  it('is empty at first and again', () => {
    using set = kernels.createLiveSet();
    const id = new Uint8Array(32).fill(3);
    for (let round = 0; round < 3; round++) {
      expect(set.size).toBe(0);
      expect(toHex(set.fingerprint(0, 0))).toBe(fingerprintByBigInt([]));
      expect(set.lowerBound(0n, id)).toBe(0);
      expect(set.delete(1, id)).toBe(false);
      expect(set.insert(1, id)).toBe(true);
      expect(set.insert(1n, id)).toBe(false);
      expect(set.timestampAt(0)).toBe(1n);
      expect(set.delete(1, id)).toBe(true);
    }
  });

  it('equals a plain model through any changes', () => {
    const step = fc.record({ insert: fc.boolean(), record, pick: fc.nat() });
    fc.assert(
      fc.property(records, fc.array(step, { maxLength: 60 }), (first, steps) => {
        const builder = kernels.createRecordSet();
        builder.append(first.length).set(recordBytesOf(first));
        using set = builder.toLiveSet();
        const model = new Map(first.map((each) => [sortKey(each), each]));
        for (const { insert, record: other, pick } of steps) {
          const known = [...model.values()][pick % Math.max(model.size, 1)];
          const each = pick % 2 === 0 && known ? known : other;
          const had = model.has(sortKey(each));
          if (insert) expect(set.insert(each.timestamp, each.id)).toBe(!had);
          else expect(set.delete(each.timestamp, each.id)).toBe(had);
          if (insert) model.set(sortKey(each), each);
          else model.delete(sortKey(each));
        }
        const sorted = sortedOnce([...model.values()]);
        expect(set.size).toBe(sorted.length);
        expect(idsOf(set)).toBe(sorted.map(({ id }) => toHex(id)).join(''));
        const begin = Math.floor(sorted.length / 3);
        expect(toHex(set.fingerprint(begin, set.size))).toBe(fingerprintByBigInt(sorted.slice(begin)));
      }),
      { seed: 8, numRuns: 100 },
    );
  });

  it.each([1, 2, 63, 64, 65, 128, 4_097, 9_000])('stands with %i records, and changes then', (count) => {
    const random = seededRandom(count);
    const model = new Map<string, TestRecord>();
    for (let i = 0; i < count; i++) {
      const each = { timestamp: BigInt(i), id: new Uint8Array(32).fill(randomInteger(random, 256)) };
      model.set(sortKey(each), each);
    }
    const builder = kernels.createRecordSet();
    builder.append(count).set(recordBytesOf([...model.values()]));
    using set = builder.toLiveSet();
    expectSameAsSealed(kernels, set, [...model.values()], random);
    churn(set, model, random, 200, 0.7);
    expectSameAsSealed(kernels, set, [...model.values()], random);
  });

  it('equals a sealed set while it grows and shrinks', () => {
    const random = seededRandom(9);
    using set = kernels.createLiveSet();
    const model = new Map<string, TestRecord>();
    for (const inserts of [1, 0.7, 0.3, 0.05, 0.9]) {
      churn(set, model, random, steps, inserts);
      expectSameAsSealed(kernels, set, [...model.values()], random);
    }
  });

  it.each([
    ['ascending', 1],
    ['descending', -1],
  ])('takes records in %s order, and loses them in that order', (_, direction) => {
    using set = kernels.createLiveSet();
    const id = new Uint8Array(32).fill(1);
    const times = Array.from({ length: 9000 }, (_each, i) => (direction === 1 ? i : 8999 - i));
    for (const time of times) set.insert(time, id);
    for (const index of [0, 1, 4500, 8999]) expect(set.timestampAt(index)).toBe(BigInt(index));
    for (const time of times.slice(0, 8000)) expect(set.delete(time, id)).toBe(true);
    expect(set.size).toBe(1000);
    expect(set.timestampAt(0)).toBe(direction === 1 ? 8000n : 0n);
    for (const time of times.slice(8000)) set.delete(time, id);
    expect(set.size).toBe(0);
  });

  it('refuses what cannot be meant', () => {
    const set = kernels.createLiveSet();
    expect(() => set.insert(-1, new Uint8Array(32))).toThrow(KernelUsageError);
    expect(() => set.insert(1, new Uint8Array(33))).toThrow(KernelUsageError);
    expect(() => set.timestampAt(0)).toThrow(KernelUsageError);
    expect(() => set.fingerprint(0, 1)).toThrow(KernelUsageError);
    set[Symbol.dispose]();
    set[Symbol.dispose]();
    expect(() => set.insert(1, new Uint8Array(32))).toThrow(KernelUsageError);
    expect(() => set.delete(1, new Uint8Array(32))).toThrow(KernelUsageError);
  });
}
