/*
 * Range fingerprints (NIP-77): ids summed as 256-bit little-endian numbers mod 2^256, then hashed with their count.
 */
import {
  FINGERPRINT_BYTES,
  HASH_LANES,
  ID_BYTES,
  RANGE_BYTES,
  RANGE_END,
  RECORD_BYTES,
  RECORD_ID,
  SUM_BYTES,
  SUM_STRIDE,
  SUM_STRIDE_LOG2,
} from './layout';
import { hashBlocksTo16, hashBlockTo16 } from './sha256';
import { addAll, clear, settle, subtractAll, writeDifference } from './sum';

/** The blocks that are hashed, one a lane: the sum, the count as a varint, the padding. */
const BLOCK_BYTES: usize = 64;
const blocks: usize = memory.data(4 * 64, 16);
/** Two sums of all records before an index. */
const prefixes: usize = memory.data(2 * 32, 16);

/** Where the sum of a lane has its place. */
// @ts-ignore: decorator
@inline
export function sumOfLane(lane: u32): usize {
  return blocks + <usize>lane * BLOCK_BYTES;
}

/** Puts the `count` and the padding behind the sum of a lane. */
export function padLane(lane: u32, count: u32): void {
  const block = sumOfLane(lane);
  v128.store(block, i64x2.splat(0), ID_BYTES);
  v128.store(block, i64x2.splat(0), ID_BYTES + 16);
  let groups: u32 = 1;
  for (let rest = count >> 7; rest != 0; rest >>= 7) groups++;
  let at = block + ID_BYTES;
  for (let group = groups; group > 1; group--) {
    store<u8>(at++, ((count >> (7 * (group - 1))) & 0x7f) | 0x80);
  }
  store<u8>(at++, count & 0x7f);
  store<u8>(at, 0x80);
  store<u16>(block, bswap<u16>(<u16>((<u32>ID_BYTES + groups) * 8)), 62);
}

/** Hashes the sum of the first lane with its `count`, and writes the fingerprint to `out`. */
export function hashFirst(count: u32, out: usize): void {
  padLane(0, count);
  hashBlockTo16(blocks, out);
}

/** Writes the fingerprints of all lanes to `out`. */
export function hashLanes(out: usize): void {
  hashBlocksTo16(blocks, out);
}

/** The fingerprint of `count` records straight from their ids. */
export function fingerprintRecords(records: usize, count: u32, out: usize): void {
  clear();
  const first = records + RECORD_ID;
  addAll(first, first + <usize>count * RECORD_BYTES, RECORD_BYTES);
  settle(sumOfLane(0));
  hashFirst(count, out);
}

/** Bytes that the sums of `count` records take. */
export function sumsBytes(count: u32): usize {
  return (<usize>(count >> SUM_STRIDE_LOG2) + 1) * SUM_BYTES;
}

/** Writes the sums of `count` sorted records to `sums`. */
export function writeSums(records: usize, count: u32, sums: usize): void {
  clear();
  settle(sums);
  let at = records + RECORD_ID;
  for (let left = count; left >= SUM_STRIDE; left -= SUM_STRIDE) {
    addAll(at, at + <usize>SUM_STRIDE * RECORD_BYTES, RECORD_BYTES);
    sums += SUM_BYTES;
    settle(sums);
    at += <usize>SUM_STRIDE * RECORD_BYTES;
  }
}

/** Writes the sum of the records before `index` of `count` to `out`, by way of the sum that stands nearest. */
function writePrefix(records: usize, sums: usize, count: u32, index: u32, out: usize): void {
  const nearest = min((index + SUM_STRIDE / 2) >> SUM_STRIDE_LOG2, count >> SUM_STRIDE_LOG2);
  const sum = sums + <usize>nearest * SUM_BYTES;
  const from = records + RECORD_ID + (<usize>nearest << SUM_STRIDE_LOG2) * RECORD_BYTES;
  const to = records + RECORD_ID + <usize>index * RECORD_BYTES;
  clear();
  addAll(sum, sum + SUM_BYTES, SUM_BYTES);
  // One of the two is empty: the sum stands before the index or behind it.
  addAll(from, to, RECORD_BYTES);
  subtractAll(to, from, RECORD_BYTES);
  settle(out);
}

/** Writes the sum of a range that has hardly more records than stand between two sums. */
// @ts-ignore: decorator
@inline
function writeShortSum(records: usize, begin: u32, end: u32, out: usize): void {
  const ids = records + RECORD_ID;
  clear();
  addAll(ids + <usize>begin * RECORD_BYTES, ids + <usize>end * RECORD_BYTES, RECORD_BYTES);
  settle(out);
}

/** The fingerprint of the records [begin, end) of `count`. */
export function fingerprintRange(
  records: usize,
  sums: usize,
  count: u32,
  begin: u32,
  end: u32,
  out: usize,
): void {
  if (end - begin <= SUM_STRIDE) {
    writeShortSum(records, begin, end, sumOfLane(0));
  } else {
    writePrefix(records, sums, count, begin, prefixes);
    writePrefix(records, sums, count, end, prefixes + SUM_BYTES);
    writeDifference(prefixes + SUM_BYTES, prefixes, sumOfLane(0));
  }
  hashFirst(end - begin, out);
}

/**
 * The fingerprints of `rangeCount` ranges of `count` records. What is summed up to the end of a range serves the next
 * one, when that begins there.
 */
export function fingerprintRanges(
  records: usize,
  sums: usize,
  count: u32,
  ranges: usize,
  rangeCount: u32,
  out: usize,
): void {
  let low = prefixes;
  let high = prefixes + SUM_BYTES;
  let summedTo: u32 = u32.MAX_VALUE;
  for (let lane: u32 = 0, left = rangeCount; left > 0; left--) {
    const begin = load<u32>(ranges);
    const end = load<u32>(ranges, RANGE_END);
    ranges += RANGE_BYTES;
    if (end - begin <= SUM_STRIDE) {
      writeShortSum(records, begin, end, sumOfLane(lane));
    } else {
      const spare = low;
      low = high;
      high = spare;
      if (begin != summedTo) writePrefix(records, sums, count, begin, low);
      writePrefix(records, sums, count, end, high);
      summedTo = end;
      writeDifference(high, low, sumOfLane(lane));
    }
    padLane(lane++, end - begin);
    if (lane < HASH_LANES && left > 1) continue;
    hashLanes(out);
    out += <usize>HASH_LANES * FINGERPRINT_BYTES;
    lane = 0;
  }
}
