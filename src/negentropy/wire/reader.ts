import { exceeds, noteUse } from '../../config/limit-use.js';
import { limits } from '../../config/limits.js';
import { fingerprintBytes, idBytes } from '../../kernels/kernels.js';
import { NegentropyError } from '../errors.js';
import { type Bound, comparePrefixes, infinity, lowestBound, noPrefix } from './bound.js';
import { type Cursor, readByte, readBytes, readVarint, readVarint64, skipBytes } from './varint.js';

/** The first byte of every message: 0x60 plus the protocol version. */
export const protocolVersion = 0x61;
const versionLowest = 0x60;
const versionHighest = 0x6f;

/** The wire's numbers for what a range says. */
export const rangeMode = { skip: 0, fingerprint: 1, ids: 2 } as const;

/**
 * One range of a message; it begins where the range before it ends. The fingerprint stands `at` a byte of the message;
 * `ids` holds n · 32 bytes.
 */
export type MessageRange =
  | { readonly mode: 'skip'; readonly upper: Bound }
  | { readonly mode: 'fingerprint'; readonly upper: Bound; readonly at: number }
  | { readonly mode: 'ids'; readonly upper: Bound; readonly ids: Uint8Array };

/**
 * Reads a message range by range. Everything is checked on the way: it throws `NegentropyError`, and allocates
 * nothing but views into the message.
 */
export class MessageReader {
  /** The version byte; the ranges have a meaning only when it is `protocolVersion`. */
  readonly version: number;
  readonly #cursor: Cursor;
  #lower: Bound = lowestBound;
  readonly #rangesMax: number;
  #ranges = 0;

  /** Throws `message_too_large`, `truncated` (an empty message) or `bad_version` (no version byte at all). */
  constructor(message: Uint8Array, rangesMax: number = limits.negentropyMessageRangesMax) {
    if (exceeds('negentropyMessageBytesMax', message.length)) {
      throw new NegentropyError('message_too_large', `the message has ${message.length} bytes`);
    }
    this.#cursor = { bytes: message, offset: 0 };
    this.#rangesMax = rangesMax;
    this.version = readByte(this.#cursor);
    if (this.version < versionLowest || this.version > versionHighest) {
      throw new NegentropyError('bad_version', `${this.version} is no version byte`);
    }
  }

  /** What is read. */
  get message(): Uint8Array {
    return this.#cursor.bytes;
  }

  /**
   * Whether the message goes on behind as many ranges as are read, of which each costs the same however short it is. Whoever
   * wrote it learns that the rest is put off, as a full frame puts it off.
   */
  get isCut(): boolean {
    return this.#ranges === this.#rangesMax && !this.#isAtEnd;
  }

  /**
   * The next range; undefined at the end of the message, where a skip to infinity is implied, or where it is cut.
   */
  next(): MessageRange | undefined {
    const cursor = this.#cursor;
    if (this.#isAtEnd || this.isCut) return undefined;
    this.#ranges += 1;
    noteUse('negentropyMessageRangesMax', this.#ranges);
    if (this.#lower.timestamp === infinity) {
      throw new NegentropyError('trailing_bytes', 'the message goes on behind the last range');
    }
    const upper = this.#readBound();
    this.#lower = upper;
    const mode = readVarint(cursor);
    if (mode === rangeMode.fingerprint) {
      return { mode: 'fingerprint', upper, at: skipBytes(cursor, fingerprintBytes) };
    }
    if (mode === rangeMode.ids) return { mode: 'ids', upper, ids: this.#readIds() };
    if (mode === rangeMode.skip) return { mode: 'skip', upper };
    throw new NegentropyError('unknown_mode', `${mode} is no mode of a range`);
  }

  get #isAtEnd(): boolean {
    return this.#cursor.offset === this.#cursor.bytes.length;
  }

  #readBound(): Bound {
    const timestamp = this.#readTimestamp();
    const length = readVarint(this.#cursor);
    if (length > idBytes)
      throw new NegentropyError('prefix_too_long', `a bound has a prefix of ${length} bytes`);
    const prefix = length === 0 ? noPrefix : readBytes(this.#cursor, length);
    if (timestamp === this.#lower.timestamp && comparePrefixes(prefix, this.#lower.prefix) < 0) {
      throw new NegentropyError('bounds_unordered', 'a bound lies below the one before it');
    }
    return { timestamp, prefix };
  }

  /** 0 is infinity; anything else is one more than the distance from the bound before. */
  #readTimestamp(): bigint {
    const encoded = readVarint64(this.#cursor);
    if (encoded === 0) return infinity;
    const before = this.#lower.timestamp;
    if (encoded === 1) return before;
    const timestamp = before + (typeof encoded === 'number' ? BigInt(encoded - 1) : encoded - 1n);
    if (timestamp > infinity) throw new NegentropyError('timestamp_too_large', 'a bound is above 64 bits');
    return timestamp;
  }

  #readIds(): Uint8Array {
    const count = readVarint(this.#cursor);
    const left = this.#cursor.bytes.length - this.#cursor.offset;
    if (count * idBytes > left) {
      throw new NegentropyError(
        'too_many_ids',
        `a list of ${count} ids in a message with ${left} bytes left`,
      );
    }
    return readBytes(this.#cursor, count * idBytes);
  }
}
