import { limits } from '../../config/limits.js';
import { fingerprintBytes, idBytes, type RecordReader } from '../../kernels/kernels.js';
import { NegentropyError } from '../errors.js';
import { type Bound, infinity } from './bound.js';
import { FingerprintBatch } from './fingerprints.js';
import { protocolVersion, rangeMode } from './reader.js';
import { writeVarint, writeVarint64 } from './varint.js';

/** Most bytes of a bound with its mode: a timestamp, a length, a whole id, the mode. */
export const boundBytesMax = 10 + 1 + idBytes + 1;
/** Most bytes of the number of ids in a list. */
export const countBytesMax = 7;

/** Most bytes of a range with a fingerprint and of the skip before it. */
export const fingerprintRangeBytesMax = 2 * boundBytesMax + fingerprintBytes;

/**
 * Writes a message about a storage range by range, in ascending order. Skips are merged, and a last one is left out.
 */
export class MessageWriter {
  readonly #storage: RecordReader;
  #bytes: Uint8Array;
  #length = 1;
  readonly #fingerprints = new FingerprintBatch();
  /** Where each of the fingerprints has its place in the message. */
  readonly #places: number[] = [];
  #timestamp = 0n;
  #skipped: Bound | undefined;

  constructor(storage: RecordReader, bytesExpected = 4_096) {
    this.#storage = storage;
    this.#bytes = new Uint8Array(bytesExpected);
    this.#bytes[0] = protocolVersion;
  }

  /** Bytes written; a skip counts when the range behind it is written. */
  get length(): number {
    return this.#length;
  }

  /** Says nothing about the range up to `upper`. */
  skip(upper: Bound): void {
    this.#skipped = upper;
  }

  /** Says the fingerprint of the items [begin, end), which are all of the range up to `upper`. */
  fingerprint(upper: Bound, begin: number, end: number): void {
    this.#begin(upper, rangeMode.fingerprint, fingerprintBytes);
    this.#fingerprints.add(begin, end);
    this.#places.push(this.#length);
    this.#length += fingerprintBytes;
  }

  /** Lists the ids of the items [begin, end), which must be all in the range up to `upper`. */
  ids(upper: Bound, begin: number, end: number): void {
    const count = end - begin;
    this.#begin(upper, rangeMode.ids, countBytesMax + count * idBytes);
    this.#length = writeVarint(this.#bytes, this.#length, count);
    if (count > 0) this.#storage.copyIds(begin, end, this.#bytes, this.#length);
    this.#length += count * idBytes;
  }

  /** The message; only the version byte when nothing but skips was written. The writer is spent afterwards. */
  finish(): Uint8Array {
    const fingerprints = this.#fingerprints.of(this.#storage);
    let from = 0;
    for (const place of this.#places) {
      for (let at = 0; at < fingerprintBytes; at += 1) this.#bytes[place + at] = fingerprints[from + at]!;
      from += fingerprintBytes;
    }
    return this.#bytes.subarray(0, this.#length);
  }

  #begin(upper: Bound, mode: number, payloadBytes: number): void {
    this.#reserve(2 * boundBytesMax + payloadBytes);
    if (this.#skipped !== undefined) this.#head(this.#skipped, rangeMode.skip);
    this.#skipped = undefined;
    this.#head(upper, mode);
  }

  #head(upper: Bound, mode: number): void {
    const bytes = this.#bytes;
    if (upper.timestamp === infinity) {
      bytes[this.#length] = 0;
      this.#length += 1;
    } else {
      const isSame = upper.timestamp === this.#timestamp;
      const distance = isSame ? 1n : upper.timestamp - this.#timestamp + 1n;
      this.#length = writeVarint64(bytes, this.#length, distance);
    }
    this.#timestamp = upper.timestamp;
    const { prefix } = upper;
    bytes[this.#length] = prefix.length;
    this.#length += 1;
    for (let at = 0; at < prefix.length; at += 1) bytes[this.#length + at] = prefix[at] as number;
    this.#length += prefix.length;
    bytes[this.#length] = mode;
    this.#length += 1;
  }

  #reserve(bytesMore: number): void {
    const wanted = this.#length + bytesMore;
    if (wanted <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(wanted, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/**
 * The bytes that a message may have under a frame limit of `frameBytesMax`, where 0 is none.
 * Throws `frame_limit_too_small` below `negentropyFrameBytesMin`.
 */
export function checkedFrameLimit(frameBytesMax: number): number {
  if (frameBytesMax === 0) return Number.POSITIVE_INFINITY;
  if (frameBytesMax >= limits.negentropyFrameBytesMin) return frameBytesMax;
  throw new NegentropyError('frame_limit_too_small', `a frame limit of ${frameBytesMax} bytes`);
}
