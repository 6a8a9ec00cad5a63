import fc from 'fast-check';
import { expect, it } from 'vitest';
import { KernelUsageError } from '../../src/kernels/errors.js';
import type { Kernels, RecordSet } from '../../src/kernels/kernels.js';
import { toHex } from '../../src/lib/bytes.js';
import { randomInteger, seededRandom } from '../../src/lib/random.js';
import { record, records } from './arbitraries.js';
import { expectBatch } from './fingerprint-batch.js';
import { fingerprintByBigInt, recordBytesOf, sortedOnce, sortKey, type TestRecord } from './independent.js';

const emptyFingerprint = fingerprintByBigInt([]);
const noBytes = new Uint8Array(0);

/** Seals records that were given in chunks: a chunk of one by `add`, longer ones by `append`. */
function seal(kernels: Kernels, chunks: readonly (readonly TestRecord[])[], capacity?: number): RecordSet {
  const builder = kernels.createRecordSet(capacity);
  for (const chunk of chunks) {
    const [first] = chunk;
    if (chunk.length === 1 && first) builder.add(first.timestamp, first.id);
    else builder.append(chunk.length).set(recordBytesOf(chunk));
  }
  return builder.seal();
}

const keysOf = (set: RecordSet): string[] =>
  Array.from({ length: set.size }, (_, i) => sortKey({ timestamp: set.timestampAt(i), id: set.idAt(i) }));

/** The first sorted record that is not below the bound, by trying one after another. */
function lowerBoundByScan(sorted: readonly TestRecord[], timestamp: bigint, prefix: Uint8Array): number {
  const bound = timestamp.toString(16).padStart(16, '0') + toHex(prefix);
  const index = sorted.findIndex((item) => sortKey(item) >= bound);
  return index === -1 ? sorted.length : index;
}

function randomRecords(count: number, seed: number, timestampOf: (n: number) => bigint): TestRecord[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => ({
    timestamp: timestampOf(random.next()),
    id: Uint8Array.from({ length: 32 }, () => randomInteger(random, 256)),
  }));
}

export function recordSetConformance(create: () => Kernels): void {
  const kernels = create();

  it('is empty when nothing was added', () => {
    using set = kernels.createRecordSet().seal();
    expect(set.size).toBe(0);
    expect(toHex(set.fingerprint(0, 0))).toBe(emptyFingerprint);
    expect(set.lowerBound(0n, noBytes)).toBe(0);
  });

  it('sorts, drops exact duplicates and keeps equal ids of different times', () => {
    const [a, b] = randomRecords(2, 1, () => 5n) as [TestRecord, TestRecord];
    const later = { timestamp: 6n, id: a.id };
    using set = seal(kernels, [[later, a, b, a], [later], [b]]);
    expect(keysOf(set)).toEqual(sortedOnce([a, b, later]).map(sortKey));
  });

  it('takes any records in any chunks', () => {
    fc.assert(
      fc.property(fc.array(records, { maxLength: 4 }), fc.nat(100), (chunks, capacity) => {
        using set = seal(kernels, chunks, capacity);
        expect(keysOf(set)).toEqual(sortedOnce(chunks.flat()).map(sortKey));
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  it('gives the fingerprint of any range', () => {
    fc.assert(
      fc.property(records, fc.nat(), fc.nat(), (some, x, y) => {
        const sorted = sortedOnce(some);
        using set = seal(kernels, [some]);
        const [begin, end] = [x % (sorted.length + 1), y % (sorted.length + 1)].sort((p, q) => p - q) as [
          number,
          number,
        ];
        expect(toHex(set.fingerprint(begin, end))).toBe(fingerprintByBigInt(sorted.slice(begin, end)));
        expect(toHex(set.fingerprint(0, set.size))).toBe(fingerprintByBigInt(sorted));
      }),
      { seed: 2, numRuns: 150 },
    );
  });

  it('gives the fingerprints of any number of ranges at once', () => {
    const some = randomRecords(3_000, 12, (n) => BigInt(Math.floor(n * 2_000)));
    using set = seal(kernels, [some]);
    expectBatch(set, seededRandom(13), [0, 1, 2, 3, 4, 5, 8, 201]);
    const few = new Uint8Array(32).fill(7);
    set.fingerprints(Uint32Array.of(0, 5), few);
    expect(toHex(few.subarray(16))).toBe('07'.repeat(16));
  });

  it('finds a lower bound from every index', () => {
    const some = randomRecords(70, 14, (n) => BigInt(Math.floor(n * 30)));
    using set = seal(kernels, [some]);
    for (let near = 0; near <= set.size; near++) {
      for (let time = 0n; time < 32n; time++) {
        expect(set.lowerBound(time, noBytes, near)).toBe(set.lowerBound(time, noBytes));
      }
    }
  });

  it('finds the lower bound of any bound', () => {
    const prefixLength = fc.nat(32);
    fc.assert(
      fc.property(records, record, prefixLength, fc.nat(), (some, other, length, pick) => {
        const sorted = sortedOnce(some);
        using set = seal(kernels, [some]);
        for (const { timestamp, id } of [other, sorted[pick % Math.max(sorted.length, 1)] ?? other]) {
          const prefix = id.subarray(0, length);
          const expected = lowerBoundByScan(sorted, timestamp, prefix);
          expect(set.lowerBound(timestamp, prefix)).toBe(expected);
          expect(set.lowerBound(timestamp, prefix, pick % (sorted.length + 1))).toBe(expected);
        }
      }),
      { seed: 3, numRuns: 150 },
    );
  });

  it.each([1, 2, 20, 21, 31, 32, 33, 63, 64, 65, 127, 128, 1000, 4096, 20_011])(
    'holds %i records',
    (count) => {
      const some = randomRecords(count, count, (n) => 1_700_000_000n + BigInt(Math.floor(n * 3e7)));
      const sorted = sortedOnce(some);
      using set = seal(kernels, [some]);
      expect(keysOf(set)).toEqual(sorted.map(sortKey));
      for (const begin of [0, 1, 15, 16, 17, 31, 32, 33]) {
        const end = count - begin;
        if (begin > end) continue;
        expect(toHex(set.fingerprint(begin, end))).toBe(fingerprintByBigInt(sorted.slice(begin, end)));
      }
    },
  );

  it.each([
    ['all of one time', () => 7n],
    ['two times far apart', (n: number) => (n < 0.5 ? 0n : 2n ** 64n - 1n)],
    ['any 64-bit time', (n: number) => BigInt(Math.floor(n * 2 ** 53)) << 11n],
    ['few times', (n: number) => BigInt(Math.floor(n * 3))],
  ])('sorts thousands of records: %s', (_, timestampOf) => {
    const some = randomRecords(10_000, 4, timestampOf);
    using set = seal(kernels, [some, some.slice(0, 500)]);
    expect(keysOf(set)).toEqual(sortedOnce(some).map(sortKey));
  });

  it('sorts ids that share their first 31 bytes, and what is sorted already, backwards too', () => {
    const some = Array.from({ length: 5000 }, (_, i) => {
      const id = new Uint8Array(32).fill(9);
      id[30] = i >> 8;
      id[31] = i & 255;
      return { timestamp: 3n, id };
    });
    for (const order of [some, some.toReversed()]) {
      using set = seal(kernels, [order]);
      expect(keysOf(set)).toEqual(some.map(sortKey));
    }
  });

  it('copies ids to where it is told', () => {
    const some = randomRecords(100, 5, (n) => BigInt(Math.floor(n * 50)));
    const sorted = sortedOnce(some);
    using set = seal(kernels, [some]);
    const target = new Uint8Array(70 * 32 + 5).fill(1);
    set.copyIds(20, 90, target, 3);
    expect(toHex(target.subarray(3, 3 + 70 * 32))).toBe(
      sorted
        .slice(20, 90)
        .map(({ id }) => toHex(id))
        .join(''),
    );
    expect([...target.subarray(0, 3), ...target.subarray(-2)]).toEqual([1, 1, 1, 1, 1]);
  });

  it('gives copies of ids, not views', () => {
    using set = seal(kernels, [randomRecords(3, 6, () => 1n)]);
    const before = toHex(set.idAt(1));
    set.idAt(1).fill(0);
    expect(toHex(set.idAt(1))).toBe(before);
  });

  it('refuses what cannot be meant', () => {
    const builder = kernels.createRecordSet();
    expect(() => builder.add(1, new Uint8Array(31))).toThrow(KernelUsageError);
    for (const time of [-1, 1.5, Number.NaN, 2 ** 64, -1n, 2n ** 64n]) {
      expect(() => builder.add(time, new Uint8Array(32))).toThrow(KernelUsageError);
    }
    expect(() => builder.append(-1)).toThrow(KernelUsageError);
    expect(builder.size).toBe(0);
    builder.add(1, new Uint8Array(32));
    const set = builder.seal();
    expect(() => builder.append(1)).toThrow(KernelUsageError);
    expect(() => builder.seal()).toThrow(KernelUsageError);
    for (const index of [-1, 1, 0.5]) expect(() => set.idAt(index)).toThrow(KernelUsageError);
    for (const [begin, end] of [
      [0, 2],
      [1, 0],
      [-1, 1],
    ] as const) {
      expect(() => set.fingerprint(begin, end)).toThrow(KernelUsageError);
    }
    expect(() => set.copyIds(0, 1, new Uint8Array(40), 9)).toThrow(KernelUsageError);
    expect(() => set.lowerBound(-1n, noBytes)).toThrow(KernelUsageError);
    expect(() => set.lowerBound(0n, new Uint8Array(33))).toThrow(KernelUsageError);
    const room = new Uint8Array(32);
    for (const ranges of [[0], [0, 2], [1, 0], [0, 1, 0, 1, 0, 1]]) {
      expect(() => set.fingerprints(Uint32Array.from(ranges), room)).toThrow(KernelUsageError);
    }
    set[Symbol.dispose]();
    set[Symbol.dispose]();
    expect(() => set.fingerprint(0, 1)).toThrow(KernelUsageError);
    expect(() => set.timestampAt(0)).toThrow(KernelUsageError);
    expect(() => set.fingerprints(new Uint32Array(0), room)).toThrow(KernelUsageError);
  });
}
