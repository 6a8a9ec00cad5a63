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
import { addAll, clear, settle, subtractAll } from './sum';

/** The blocks that are hashed, one a lane: the sum, the count as a varint, the padding. */
const BLOCK_BYTES: usize = 64;
const blocks: usize = memory.data(4 * 64, 16);

/** Makes the sum that was added up with its `count` the block of a lane. */
export function writeBlock(lane: u32, count: u32): void {
  const block = blocks + <usize>lane * BLOCK_BYTES;
  settle(block);
  memory.fill(block + ID_BYTES, 0, 32);
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

/** Hashes the sum that was added up with its `count`, and writes the fingerprint to `out`. */
export function hashSum(count: u32, out: usize): void {
  writeBlock(0, count);
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
  hashSum(count, out);
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
    clear();
    addAll(sums, sums + SUM_BYTES, SUM_BYTES);
    addAll(at, at + <usize>SUM_STRIDE * RECORD_BYTES, RECORD_BYTES);
    sums += SUM_BYTES;
    settle(sums);
    at += <usize>SUM_STRIDE * RECORD_BYTES;
  }
}

/** Adds up the records [begin, end) of `count`, by way of the sums that stand nearest to the ends. */
function addRange(records: usize, sums: usize, count: u32, begin: u32, end: u32): void {
  const ids = records + RECORD_ID;
  const endAt = ids + <usize>end * RECORD_BYTES;
  const beginAt = ids + <usize>begin * RECORD_BYTES;
  clear();
  if (end - begin <= SUM_STRIDE) {
    addAll(beginAt, endAt, RECORD_BYTES);
    return;
  }
  const last = count >> SUM_STRIDE_LOG2;
  const toSum = min((end + SUM_STRIDE / 2) >> SUM_STRIDE_LOG2, last);
  const fromSum = min((begin + SUM_STRIDE / 2) >> SUM_STRIDE_LOG2, last);
  const toAt = ids + (<usize>toSum << SUM_STRIDE_LOG2) * RECORD_BYTES;
  const fromAt = ids + (<usize>fromSum << SUM_STRIDE_LOG2) * RECORD_BYTES;
  const toSumAt = sums + <usize>toSum * SUM_BYTES;
  const fromSumAt = sums + <usize>fromSum * SUM_BYTES;
  // Of each pair one loop is empty: the sum stands before the bound or after it.
  addAll(toAt, endAt, RECORD_BYTES);
  addAll(beginAt, fromAt, RECORD_BYTES);
  addAll(toSumAt, toSumAt + SUM_BYTES, SUM_BYTES);
  subtractAll(endAt, toAt, RECORD_BYTES);
  subtractAll(fromAt, beginAt, RECORD_BYTES);
  subtractAll(fromSumAt, fromSumAt + SUM_BYTES, SUM_BYTES);
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
  addRange(records, sums, count, begin, end);
  hashSum(end - begin, out);
}

/** The fingerprints of `rangeCount` ranges of `count` records. */
export function fingerprintRanges(
  records: usize,
  sums: usize,
  count: u32,
  ranges: usize,
  rangeCount: u32,
  out: usize,
): void {
  for (let lane: u32 = 0, left = rangeCount; left > 0; left--) {
    const begin = load<u32>(ranges);
    const end = load<u32>(ranges, RANGE_END);
    ranges += RANGE_BYTES;
    addRange(records, sums, count, begin, end);
    writeBlock(lane++, end - begin);
    if (lane < HASH_LANES && left > 1) continue;
    hashLanes(out);
    out += <usize>HASH_LANES * FINGERPRINT_BYTES;
    lane = 0;
  }
}
