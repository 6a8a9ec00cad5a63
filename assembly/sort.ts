/*
 * Sort of records by (createdAt, id), in place: a radix sort from the most significant digit that differs.
 *
 * A record is five 64-bit words in the order of comparison. A range is split by the highest bits in which its
 * records differ at all, up to 2^11 ways, by cycles of displaced records; its parts follow, each with its own digit.
 * Constant bits and constant words cost one reading pass, so millions of equal timestamps sort by their ids.
 */
import { DIGIT_BITS_MAX, INSERTION_RECORDS_MAX, RECORD_BYTES, RECORD_WORDS } from './layout';

/** The word of a record as a number that compares as the record does. */
// @ts-ignore: decorator
@inline
function wordOf(record: usize, word: i32): u64 {
  const raw = load<u64>(record + (<usize>word << 3));
  return word == 0 ? raw : bswap(raw);
}

/** Takes what is read ahead, so that the reading is not left out. */
const ahead: usize = memory.data(8);
/** A bucket is read this many bytes ahead of where it is filled: by the time it gets there, that is in the cache. */
const AHEAD_BYTES: usize = RECORD_BYTES + 64;

/** Whether any two records were found equal. */
let hasEqual: bool = false;

/** Negative, 0 or positive as record `a` sorts before, with or after `b`, when their words before `word` are equal. */
// @ts-ignore: decorator
@inline
function compare(a: usize, b: usize, word: i32): i32 {
  for (; word < RECORD_WORDS; word++) {
    const x = wordOf(a, word);
    const y = wordOf(b, word);
    if (x != y) return x < y ? -1 : 1;
  }
  return 0;
}

/** Whether record `a` must stand before record `b`; notes whether they are equal. */
// @ts-ignore: decorator
@inline
function isBefore(a: usize, b: usize, word: i32): bool {
  const order = compare(a, b, word);
  if (order == 0) hasEqual = true;
  return order < 0;
}

// @ts-ignore: decorator
@inline
function move(from: usize, to: usize): void {
  const a = v128.load(from);
  const b = v128.load(from, 16);
  const c = load<u64>(from, 32);
  v128.store(to, a);
  v128.store(to, b, 16);
  store<u64>(to, c, 32);
}

function sortByInsertion(first: usize, end: usize, word: i32): void {
  for (let at = first + RECORD_BYTES; at < end; at += RECORD_BYTES) {
    let hole = at;
    if (!isBefore(at, at - RECORD_BYTES, word)) continue;
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const c = load<u64>(at, 32);
    const key = wordOf(at, word);
    do {
      move(hole - RECORD_BYTES, hole);
      hole -= RECORD_BYTES;
      if (hole == first) break;
      const previous = wordOf(hole - RECORD_BYTES, word);
      if (previous < key) break;
      if (previous == key) {
        // The deeper words decide; the record must be in memory to be compared.
        v128.store(hole, a);
        v128.store(hole, b, 16);
        store<u64>(hole, c, 32);
        if (!isBefore(hole, hole - RECORD_BYTES, word + 1)) break;
      }
    } while (true);
    v128.store(hole, a);
    v128.store(hole, b, 16);
    store<u64>(hole, c, 32);
  }
}

/** The bits in which the records of a range differ in a word. */
function differingBits(first: usize, end: usize, word: i32): u64 {
  const base = load<u64>(first + (<usize>word << 3));
  let bits: u64 = 0;
  for (let at = first + (<usize>word << 3); at < end; at += RECORD_BYTES) bits |= load<u64>(at) ^ base;
  return word == 0 ? bits : bswap(bits);
}

/** Width of the digit for a range of `count` records: its parts then hold one to three. */
// @ts-ignore: decorator
@inline
function digitBits(count: u32): u32 {
  return max(1, min(DIGIT_BITS_MAX, 31 - clz(count)));
}

/** Splits a range by the digit `(word >> shift) & mask`; `heads` and `ends` then hold the ends of its parts. */
function split(first: usize, end: usize, word: i32, shift: u64, mask: u32, heads: usize, ends: usize): void {
  const buckets = <usize>mask + 1;
  memory.fill(ends, 0, buckets << 2);
  for (let at = first; at < end; at += RECORD_BYTES) {
    const slot = ends + (<usize>(<u32>(wordOf(at, word) >> shift) & mask) << 2);
    store<u32>(slot, load<u32>(slot) + 1);
  }
  let start = first;
  for (let i: usize = 0; i < buckets; i++) {
    store<u32>(heads + (i << 2), <u32>start);
    start += <usize>load<u32>(ends + (i << 2)) * RECORD_BYTES;
    store<u32>(ends + (i << 2), <u32>start);
  }
  let read: u64 = 0;
  for (let i: u32 = 0; i <= mask; i++) {
    const bucketEnd = <usize>load<u32>(ends + (<usize>i << 2));
    for (let at = <usize>load<u32>(heads + (<usize>i << 2)); at < bucketEnd; at += RECORD_BYTES) {
      let digit = <u32>(wordOf(at, word) >> shift) & mask;
      if (digit == i) continue;
      let a = v128.load(at);
      let b = v128.load(at, 16);
      let c = load<u64>(at, 32);
      do {
        const slot = heads + (<usize>digit << 2);
        const target = <usize>load<u32>(slot);
        store<u32>(slot, <u32>(target + RECORD_BYTES));
        digit = <u32>(wordOf(target, word) >> shift) & mask;
        read ^= load<u64>(min(target + AHEAD_BYTES, end - 8));
        const x = v128.load(target);
        const y = v128.load(target, 16);
        const z = load<u64>(target, 32);
        v128.store(target, a);
        v128.store(target, b, 16);
        store<u64>(target, c, 32);
        a = x;
        b = y;
        c = z;
      } while (digit != i);
      v128.store(at, a);
      v128.store(at, b, 16);
      store<u64>(at, c, 32);
    }
  }
  store<u64>(ahead, read);
}

function sortRange(first: usize, end: usize, word: i32, scratch: usize): void {
  const count = <u32>((end - first) / RECORD_BYTES);
  if (count <= INSERTION_RECORDS_MAX) {
    sortByInsertion(first, end, word);
    return;
  }
  let differing = differingBits(first, end, word);
  while (differing == 0) {
    if (++word == RECORD_WORDS) {
      hasEqual = true;
      return;
    }
    differing = differingBits(first, end, word);
  }
  const top = <u32>(64 - clz(differing));
  const bits = min(top, digitBits(count));
  const mask: u32 = (1 << bits) - 1;
  const heads = scratch;
  const ends = heads + (<usize>4 << bits);
  const deeper = ends + (<usize>4 << bits);
  split(first, end, word, <u64>(top - bits), mask, heads, ends);
  let start = first;
  for (let i: u32 = 0; i <= mask; i++) {
    const partEnd = <usize>load<u32>(ends + (<usize>i << 2));
    if (partEnd - start > RECORD_BYTES) sortRange(start, partEnd, word, deeper);
    start = partEnd;
  }
}

/** Whether every record sorts before the next one. */
function isStrictlySorted(first: usize, end: usize): bool {
  for (let at = first + RECORD_BYTES; at < end; at += RECORD_BYTES) {
    if (compare(at - RECORD_BYTES, at, 0) >= 0) return false;
  }
  return true;
}

/** Drops records that equal the one before them; gives the count that is left. */
function dropDuplicates(first: usize, end: usize): u32 {
  let to = first + RECORD_BYTES;
  for (let at = to; at < end; at += RECORD_BYTES) {
    if (compare(to - RECORD_BYTES, at, 0) == 0) continue;
    if (to != at) move(at, to);
    to += RECORD_BYTES;
  }
  return <u32>((to - first) / RECORD_BYTES);
}

/** Sorts `count` records in place, drops exact duplicates, and gives the count that is left. */
export function sortRecords(records: usize, count: u32, scratch: usize): u32 {
  const end = records + <usize>count * RECORD_BYTES;
  if (count < 2 || isStrictlySorted(records, end)) return count;
  hasEqual = false;
  sortRange(records, end, 0, scratch);
  return hasEqual ? dropDuplicates(records, end) : count;
}
