import { fingerprintBytes, type RecordReader } from '../../kernels/kernels.js';

/** Ranges of a storage whose fingerprints are worked out all at once: many together take a third of the time. */
export class FingerprintBatch {
  #ranges = new Uint32Array(512);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Adds the range [begin, end). */
  add(begin: number, end: number): void {
    const at = this.#count * 2;
    if (at === this.#ranges.length) {
      const grown = new Uint32Array(at * 2);
      grown.set(this.#ranges);
      this.#ranges = grown;
    }
    this.#ranges[at] = begin;
    this.#ranges[at + 1] = end;
    this.#count += 1;
  }

  /** The fingerprints in the order in which the ranges were added, 16 bytes each. */
  of(storage: RecordReader): Uint8Array {
    const fingerprints = new Uint8Array(this.#count * fingerprintBytes);
    storage.fingerprints(this.#ranges.subarray(0, this.#count * 2), fingerprints);
    return fingerprints;
  }
}
