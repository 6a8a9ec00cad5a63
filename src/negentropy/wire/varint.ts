import { NegentropyError } from '../errors.js';

/** A place in a message that is being read. */
export type Cursor = { readonly bytes: Uint8Array; offset: number };

/** Digits of 7 bits that fit a double without loss (49 bits), and those that a 64-bit number takes at most. */
const digitsExact = 7;
const digitsMax = 10;
const uint64Max = 2n ** 64n - 1n;

/** The next byte; throws `truncated` at the end. */
export function readByte(cursor: Cursor): number {
  const byte = cursor.bytes[cursor.offset];
  if (byte === undefined) throw new NegentropyError('truncated', 'the message ends inside a range');
  cursor.offset += 1;
  return byte;
}

/** A view of the next `length` bytes; throws `truncated` when there are fewer. */
export function readBytes(cursor: Cursor, length: number): Uint8Array {
  const at = skipBytes(cursor, length);
  return cursor.bytes.subarray(at, at + length);
}

/** Passes over the next `length` bytes and says where they stand; throws `truncated` when there are fewer. */
export function skipBytes(cursor: Cursor, length: number): number {
  const at = cursor.offset;
  if (at + length > cursor.bytes.length)
    throw new NegentropyError('truncated', 'the message ends inside a range');
  cursor.offset = at + length;
  return at;
}

/**
 * A varint (base 128, most significant digit first, no leading zero digit) that must fit 49 bits: lengths, counts
 * and modes. Throws `varint_too_long` for a larger or padded one.
 */
export function readVarint(cursor: Cursor): number {
  const value = readDigits(cursor);
  if (value < 0) throw new NegentropyError('varint_too_long', 'a length has more than 49 bits');
  return value;
}

/** A varint of up to 64 bits, as a number when 49 are enough. Throws `varint_too_long` for a larger or padded one. */
export function readVarint64(cursor: Cursor): number | bigint {
  const start = cursor.offset;
  const value = readDigits(cursor);
  if (value >= 0) return value;
  cursor.offset = start;
  let wide = 0n;
  for (let digit = 0; digit < digitsMax; digit += 1) {
    const byte = readByte(cursor);
    wide = wide * 128n + BigInt(byte & 0x7f);
    if (byte >= 0x80) continue;
    if (wide > uint64Max) break;
    return wide;
  }
  throw new NegentropyError('varint_too_long', 'a number has more than 64 bits');
}

/** The value of a varint of up to 49 bits, or −1 when it is longer. */
function readDigits(cursor: Cursor): number {
  let value = 0;
  for (let digit = 0; digit < digitsExact; digit += 1) {
    const byte = readByte(cursor);
    if (byte === 0x80 && digit === 0) throw new NegentropyError('varint_too_long', 'a number is padded');
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) return value;
  }
  return -1;
}

/** Writes `value` (0 … 2^49 − 1) at `offset`; returns the offset behind it. */
export function writeVarint(target: Uint8Array, offset: number, value: number): number {
  if (value < 0x80) {
    target[offset] = value;
    return offset + 1;
  }
  if (value < 0x4000) {
    target[offset] = (value >> 7) | 0x80;
    target[offset + 1] = value & 0x7f;
    return offset + 2;
  }
  let length = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length += 1;
  let rest = value;
  for (let at = offset + length - 1; at >= offset; at -= 1) {
    target[at] = (rest % 128) | (at === offset + length - 1 ? 0 : 0x80);
    rest = Math.floor(rest / 128);
  }
  return offset + length;
}

/** Writes `value` (0 … 2^64 − 1) at `offset`; returns the offset behind it. */
export function writeVarint64(target: Uint8Array, offset: number, value: bigint): number {
  if (value < 0x1_0000_0000_0000n) return writeVarint(target, offset, Number(value));
  const low = Number(value & 0x7fn);
  const end = writeVarint64(target, offset, value >> 7n);
  target[end - 1] = (target[end - 1] as number) | 0x80;
  target[end] = low;
  return end + 1;
}
