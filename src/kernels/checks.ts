import { KernelUsageError } from './errors.js';
import { fingerprintBytes, idBytes } from './kernels.js';

const timestampMax = 2n ** 64n - 1n;

/** Throws `KernelUsageError` unless `index` is that of an item. */
export function checkIndex(index: number, size: number): void {
  if (!(Number.isInteger(index) && index >= 0 && index < size)) {
    throw new KernelUsageError(`index ${index} is outside a set of ${size}`);
  }
}

/** Throws `KernelUsageError` unless [begin, end) lies within the set. */
export function checkRange(begin: number, end: number, size: number): void {
  const whole = Number.isInteger(begin) && Number.isInteger(end);
  if (!(whole && begin >= 0 && begin <= end && end <= size)) {
    throw new KernelUsageError(`range [${begin}, ${end}) is outside a set of ${size}`);
  }
}

/** Throws `KernelUsageError` unless the ids of [begin, end) fit into `target` at `offset`. */
export function checkTarget(begin: number, end: number, target: Uint8Array, offset: number): void {
  if (!(Number.isInteger(offset) && offset >= 0 && offset + (end - begin) * idBytes <= target.length)) {
    throw new KernelUsageError(`${end - begin} ids do not fit at ${offset} of ${target.length} bytes`);
  }
}

/** Throws `KernelUsageError` unless all ranges lie within the set and their fingerprints fit into `target`. */
export function checkRanges(ranges: Uint32Array, size: number, target: Uint8Array): void {
  if (ranges.length % 2 !== 0) throw new KernelUsageError('a range has a begin and an end');
  for (let at = 0; at < ranges.length; at += 2) checkRange(ranges[at]!, ranges[at + 1]!, size);
  if ((ranges.length / 2) * fingerprintBytes > target.length) {
    throw new KernelUsageError(`${ranges.length / 2} fingerprints do not fit into ${target.length} bytes`);
  }
}

/** Throws `KernelUsageError` unless `id` has 32 bytes. */
export function checkId(id: Uint8Array): void {
  if (id.length !== idBytes) throw new KernelUsageError(`an id has ${idBytes} bytes, not ${id.length}`);
}

/** Throws `KernelUsageError` unless the bound is one: a 64-bit timestamp and at most 32 bytes of an id. */
export function checkBound(timestamp: bigint, idPrefix: Uint8Array): void {
  toTimestamp(timestamp);
  if (idPrefix.length > idBytes) {
    throw new KernelUsageError(`an id prefix has at most ${idBytes} bytes, not ${idPrefix.length}`);
  }
}

/** Throws `KernelUsageError` unless `count` is a whole number that is not negative. */
export function checkCount(count: number): void {
  if (!Number.isSafeInteger(count) || count < 0) throw new KernelUsageError(`${count} is no count`);
}

/** The timestamp as 64 unsigned bits; throws `KernelUsageError` when it is none. */
export function toTimestamp(createdAt: number | bigint): bigint {
  if (typeof createdAt === 'number') {
    if (!Number.isInteger(createdAt) || createdAt < 0 || createdAt >= 2 ** 64) {
      throw new KernelUsageError(`${createdAt} is no timestamp`);
    }
    return BigInt(createdAt);
  }
  if (createdAt < 0n || createdAt > timestampMax) throw new KernelUsageError(`${createdAt} is no timestamp`);
  return createdAt;
}
