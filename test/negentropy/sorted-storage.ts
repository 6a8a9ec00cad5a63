import { createHash } from 'node:crypto';
import type { RecordReader } from '../../src/kernels/kernels.js';

/** One item of a test set; `id` is 32 bytes. */
export type Item = { readonly timestamp: bigint; readonly id: Uint8Array };

/** Orders items as the protocol does. */
export function compareItems(a: Item, b: Item): number {
  if (a.timestamp !== b.timestamp) return a.timestamp < b.timestamp ? -1 : 1;
  return Buffer.compare(a.id, b.id);
}

/** The storage port over a sorted array, written for clarity: the oracle of these tests. */
export function sortedStorage(items: readonly Item[]): RecordReader {
  const sorted = [...items].sort(compareItems);
  const at = (index: number): Item => {
    const item = sorted[index];
    if (item === undefined) throw new RangeError(`no item ${index} of ${sorted.length}`);
    return item;
  };
  const fingerprint = (begin: number, end: number): Uint8Array => {
    if (begin > end || end > sorted.length) throw new RangeError(`no range ${begin} to ${end}`);
    let sum = 0n;
    for (let index = begin; index < end; index += 1) {
      sum += BigInt(`0x${Buffer.from(at(index).id).reverse().toString('hex')}`);
    }
    const digits = [(end - begin) & 0x7f];
    for (let rest = (end - begin) >>> 7; rest > 0; rest >>>= 7) digits.unshift((rest & 0x7f) | 0x80);
    const sumHex = (sum % 2n ** 256n).toString(16).padStart(64, '0');
    const hash = createHash('sha256')
      .update(Buffer.from(sumHex, 'hex').reverse())
      .update(Buffer.from(digits));
    return new Uint8Array(hash.digest().subarray(0, 16));
  };
  return {
    size: sorted.length,
    version: 0,
    timestampAt: (index) => at(index).timestamp,
    idAt: (index) => at(index).id,
    copyIds(begin, end, target, offset) {
      if (begin > end || end > sorted.length) throw new RangeError(`no range ${begin} to ${end}`);
      for (let index = begin; index < end; index += 1)
        target.set(at(index).id, offset + (index - begin) * 32);
    },
    lowerBound(timestamp, prefix) {
      const id = new Uint8Array(32);
      id.set(prefix);
      const bound = { timestamp, id };
      let low = 0;
      let high = sorted.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (compareItems(at(middle), bound) < 0) low = middle + 1;
        else high = middle;
      }
      return low;
    },
    fingerprint,
    fingerprints(ranges, target) {
      for (let at = 0; at < ranges.length; at += 2) {
        target.set(fingerprint(ranges[at] as number, ranges[at + 1] as number), at * 8);
      }
    },
  };
}
