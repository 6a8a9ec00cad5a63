import { expect, it } from 'vitest';
import { KernelUsageError } from '../../src/kernels/errors.js';
import type { Kernels, RecordReader } from '../../src/kernels/kernels.js';
import { TimeRange } from '../../src/kernels/time-range.js';
import { toHex } from '../../src/lib/bytes.js';
import { type Random, randomInteger, seededRandom } from '../../src/lib/random.js';
import { expectBatch } from './fingerprint-batch.js';
import { recordBytesOf, type TestRecord } from './independent.js';

const timesMax = 40;

const randomRecord = (random: Random): TestRecord => ({
  timestamp: BigInt(randomInteger(random, timesMax)),
  id: Uint8Array.from({ length: 32 }, () => randomInteger(random, 256)),
});

/** All that a reader can be asked, at random places, beside a set that was sealed from the same records. */
function expectSame(view: RecordReader, sealed: RecordReader, random: Random): void {
  expect(view.size).toBe(sealed.size);
  const ids = [view, sealed].map((each) => {
    const target = new Uint8Array(sealed.size * 32);
    each.copyIds(0, sealed.size, target, 0);
    return toHex(target);
  });
  expect(ids[0]).toBe(ids[1]);
  expectBatch(view, random, [1, 5]);
  for (let time = 0n; time <= timesMax; time++) {
    const prefix = Uint8Array.of(randomInteger(random, 256));
    const near = randomInteger(random, sealed.size + 1);
    expect(view.lowerBound(time, prefix, near)).toBe(sealed.lowerBound(time, prefix));
    if (sealed.size === 0) continue;
    const index = near % sealed.size;
    expect(view.timestampAt(index)).toBe(sealed.timestampAt(index));
    expect(toHex(view.idAt(index))).toBe(toHex(sealed.idAt(index)));
    expect(toHex(view.fingerprint(index, near))).toBe(toHex(sealed.fingerprint(index, near)));
  }
}

export function timeRangeConformance(create: () => Kernels): void {
  const kernels = create();

  it('answers as a set of its records alone, while the other set changes', () => {
    const random = seededRandom(21);
    const all = Array.from({ length: 400 }, () => randomRecord(random));
    using set = kernels.createLiveSet();
    const views = [
      [0n, 2n ** 64n - 1n],
      [10n, 25n],
      [25n, 10n],
      [7n, 7n],
      [BigInt(timesMax), 2n ** 64n - 1n],
    ].map(([since, until]) => ({ since, until, view: new TimeRange(set, since!, until!) }));
    for (const [index, each] of all.entries()) {
      set.insert(each.timestamp, each.id);
      if (index % 80 !== 0) continue;
      const gone = all[randomInteger(random, index + 1)]!;
      set.delete(gone.timestamp, gone.id);
      const stored = all.slice(0, index + 1).filter((other) => holds(set, other));
      for (const { since, until, view } of views) {
        const inside = stored.filter(({ timestamp }) => timestamp >= since! && timestamp <= until!);
        const builder = kernels.createRecordSet();
        builder.append(inside.length).set(recordBytesOf(inside));
        using sealed = builder.seal();
        expectSame(view, sealed, random);
      }
    }
  });

  it('refuses what lies outside of it', () => {
    using set = kernels.createLiveSet();
    for (let time = 0; time < 9; time++) set.insert(time, new Uint8Array(32).fill(time));
    const view = new TimeRange(set, 3, 5);
    expect(view.size).toBe(3);
    for (const index of [-1, 3, 0.5]) expect(() => view.idAt(index)).toThrow(KernelUsageError);
    expect(() => view.fingerprint(0, 4)).toThrow(KernelUsageError);
    expect(() => view.copyIds(0, 4, new Uint8Array(200), 0)).toThrow(KernelUsageError);
    expect(() => view.fingerprints(Uint32Array.of(0, 4), new Uint8Array(16))).toThrow(KernelUsageError);
    expect(() => new TimeRange(set, -1, 5)).toThrow(KernelUsageError);
  });
}

function holds(set: RecordReader, { timestamp, id }: TestRecord): boolean {
  const index = set.lowerBound(timestamp, id);
  return index < set.size && set.timestampAt(index) === timestamp && toHex(set.idAt(index)) === toHex(id);
}
