import { expect } from 'vitest';
import type { RecordReader } from '../../src/kernels/kernels.js';
import { toHex } from '../../src/lib/bytes.js';
import { type Random, randomInteger } from '../../src/lib/random.js';

/** Whether many fingerprints at once are the same as one by one, for batches of these sizes of random ranges. */
export function expectBatch(set: RecordReader, random: Random, sizes: readonly number[]): void {
  for (const size of sizes) {
    const ranges = new Uint32Array(size * 2);
    for (let at = 0; at < ranges.length; at += 2) {
      ranges[at] = randomInteger(random, set.size + 1);
      ranges[at + 1] = ranges[at]! + randomInteger(random, set.size + 1 - ranges[at]!);
    }
    const together = new Uint8Array(size * 16);
    set.fingerprints(ranges, together);
    for (let i = 0; i < size; i++) {
      const alone = set.fingerprint(ranges[i * 2]!, ranges[i * 2 + 1]!);
      expect(toHex(together.subarray(i * 16, i * 16 + 16))).toBe(toHex(alone));
    }
  }
}
