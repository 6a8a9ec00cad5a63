import { checkIndex, checkRange, checkRanges, toTimestamp } from './checks.js';
import type { RecordReader } from './kernels.js';

const timestampMax = 2n ** 64n - 1n;
const noPrefix = new Uint8Array(0);

/**
 * The records of another reader from one time to another, as a set of its own: they stand side by side there, so
 * nothing is copied. It follows the other set when that changes.
 */
export class TimeRange implements RecordReader {
  readonly #all: RecordReader;
  readonly #since: bigint;
  readonly #until: bigint;
  #seen: number | undefined;
  #begin = 0;
  #end = 0;

  /** Both times belong to the range, as in filters (NIP-01); they are checked as timestamps of records are. */
  constructor(all: RecordReader, since: number | bigint, until: number | bigint) {
    this.#all = all;
    this.#since = toTimestamp(since);
    this.#until = toTimestamp(until);
  }

  get version(): number {
    return this.#all.version;
  }

  get size(): number {
    this.#find();
    return this.#end - this.#begin;
  }

  timestampAt(index: number): bigint {
    return this.#all.timestampAt(this.#place(index));
  }

  idAt(index: number): Uint8Array {
    return this.#all.idAt(this.#place(index));
  }

  copyIds(begin: number, end: number, target: Uint8Array, offset: number): void {
    checkRange(begin, end, this.size);
    this.#all.copyIds(this.#begin + begin, this.#begin + end, target, offset);
  }

  lowerBound(timestamp: bigint, idPrefix: Uint8Array, near?: number): number {
    this.#find();
    const index = this.#all.lowerBound(timestamp, idPrefix, near === undefined ? near : this.#begin + near);
    return Math.max(this.#begin, Math.min(index, this.#end)) - this.#begin;
  }

  fingerprint(begin: number, end: number): Uint8Array {
    checkRange(begin, end, this.size);
    return this.#all.fingerprint(this.#begin + begin, this.#begin + end);
  }

  fingerprints(ranges: Uint32Array, target: Uint8Array): void {
    checkRanges(ranges, this.size, target);
    this.#all.fingerprints(
      ranges.map((index) => index + this.#begin),
      target,
    );
  }

  #place(index: number): number {
    checkIndex(index, this.size);
    return this.#begin + index;
  }

  /** Finds the ends of the range, again when the other set has changed. */
  #find(): void {
    const { version } = this.#all;
    if (this.#seen === version) return;
    this.#begin = this.#all.lowerBound(this.#since, noPrefix);
    const end =
      this.#until === timestampMax ? this.#all.size : this.#all.lowerBound(this.#until + 1n, noPrefix);
    this.#end = Math.max(this.#begin, end);
    this.#seen = version;
  }
}
