/* Binary search in sorted records. */
import { RECORD_BYTES } from './layout';

/** Whether the record is below the bound (timestamp, the four words of the id in big-endian order). */
// @ts-ignore: decorator
@inline
function isBelow(record: usize, timestamp: u64, w0: u64, w1: u64, w2: u64, w3: u64): bool {
  const created = load<u64>(record);
  if (created != timestamp) return created < timestamp;
  const r0 = bswap(load<u64>(record, 8));
  if (r0 != w0) return r0 < w0;
  const r1 = bswap(load<u64>(record, 16));
  if (r1 != w1) return r1 < w1;
  const r2 = bswap(load<u64>(record, 24));
  if (r2 != w2) return r2 < w2;
  return bswap(load<u64>(record, 32)) < w3;
}

/** How many of `count` sorted records, `stride` bytes apart, are below the bound. */
export function countBelow(first: usize, stride: usize, count: u32, bound: usize): u32 {
  const timestamp = load<u64>(bound);
  const w0 = bswap(load<u64>(bound, 8));
  const w1 = bswap(load<u64>(bound, 16));
  const w2 = bswap(load<u64>(bound, 24));
  const w3 = bswap(load<u64>(bound, 32));
  let low: u32 = 0;
  let left = count;
  while (left > 0) {
    const half = left >> 1;
    const middle = low + half;
    if (isBelow(first + <usize>middle * stride, timestamp, w0, w1, w2, w3)) {
      low = middle + 1;
      left -= half + 1;
    } else {
      left = half;
    }
  }
  return low;
}

/**
 * The first index whose record is not below the bound: a record whose id is the prefix, filled with zeros to its
 * 32 bytes. A prefix sorts before everything that it begins, so filling with zeros keeps its place.
 */
export function lowerBound(records: usize, count: u32, bound: usize): u32 {
  return countBelow(records, RECORD_BYTES, count, bound);
}

/** The same, looked for in steps of doubling length from the index `near` on, which makes a near one quick to find. */
export function lowerBoundNear(records: usize, count: u32, bound: usize, near: u32): u32 {
  return near > 0 && !isIndexBelow(records, near - 1, bound)
    ? boundUpTo(records, near - 1, bound)
    : boundFrom(records, count, bound, near);
}

// @ts-ignore: decorator
@inline
function isIndexBelow(records: usize, index: u32, bound: usize): bool {
  return countBelow(records + <usize>index * RECORD_BYTES, RECORD_BYTES, 1, bound) != 0;
}

/** The first index from `low` on whose record is not below the bound; all before `low` are. */
function boundFrom(records: usize, count: u32, bound: usize, low: u32): u32 {
  let step: u32 = 1;
  while (step <= count - low && isIndexBelow(records, low + step - 1, bound)) {
    low += step;
    step <<= 1;
  }
  const left = min(step - 1, count - low);
  return low + countBelow(records + <usize>low * RECORD_BYTES, RECORD_BYTES, left, bound);
}

/** The first index up to `high` whose record is not below the bound; that at `high` is not. */
function boundUpTo(records: usize, high: u32, bound: usize): u32 {
  let step: u32 = 1;
  while (step <= high && !isIndexBelow(records, high - step, bound)) {
    high -= step;
    step <<= 1;
  }
  const low = high - min(step - 1, high);
  return low + countBelow(records + <usize>low * RECORD_BYTES, RECORD_BYTES, high - low, bound);
}

/** Whether two records are the same. */
export function isSameRecord(a: usize, b: usize): bool {
  const differing = v128.or(
    v128.xor(v128.load(a), v128.load(b)),
    v128.xor(v128.load(a, 16), v128.load(b, 16)),
  );
  return !v128.any_true(differing) && load<u64>(a, 32) == load<u64>(b, 32);
}

/** Copies the ids of `count` records one after another to `out`. */
export function gatherIds(records: usize, count: u32, out: usize): void {
  const end = records + <usize>count * RECORD_BYTES;
  for (let at = records; at < end; at += RECORD_BYTES) {
    v128.store(out, v128.load(at, 8));
    v128.store(out, v128.load(at, 24), 16);
    out += 32;
  }
}
