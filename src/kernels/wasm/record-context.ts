import { checkBound, checkId, toTimestamp } from '../checks.js';
import { fingerprintBytes, idBytes, idOffset } from '../kernels.js';
import type { Arena } from './arena.js';
import type { KernelModule } from './module.js';

/** What all sets of one instance share. */
export type RecordContext = {
  readonly module: KernelModule;
  readonly arena: Arena;
  /** Holds the sort's buckets, a record, ids or fingerprints: one at a time, for one call. */
  readonly scratch: number;
  readonly scratchBytes: number;
};

/** Writes a record into the scratch. Throws `KernelUsageError` when it is none. */
export function writeRecord(context: RecordContext, createdAt: number | bigint, id: Uint8Array): void {
  checkId(id);
  writeBound(context, toTimestamp(createdAt), id);
}

/** Writes a bound into the scratch, as a record whose id is filled with zeros. Throws `KernelUsageError`. */
export function writeBound({ arena, scratch }: RecordContext, timestamp: bigint, idPrefix: Uint8Array): void {
  checkBound(timestamp, idPrefix);
  arena.view.setBigUint64(scratch, timestamp, true);
  if (idPrefix.length < idBytes) {
    // Four words are sooner stored than bytes filled.
    const word = (scratch + idOffset) / 8;
    for (let at = word; at < word + 4; at += 1) arena.floats[at] = 0;
  }
  if (idPrefix.length > 0) arena.bytes.set(idPrefix, scratch + idOffset);
}

/**
 * Copies the ids of [begin, end) to `target` by way of the scratch, as many at once as it holds; `gather` writes the
 * ids of a part of the range into the scratch.
 */
export function copyIdsBy(
  { arena, scratch, scratchBytes }: RecordContext,
  [begin, end]: readonly [number, number],
  [target, offset]: readonly [Uint8Array, number],
  gather: (from: number, to: number) => void,
): void {
  const part = Math.floor(scratchBytes / idBytes);
  for (let from = begin; from < end; from += part) {
    const to = Math.min(from + part, end);
    gather(from, to);
    const ids = arena.bytes.subarray(scratch, scratch + (to - from) * idBytes);
    target.set(ids, offset + (from - begin) * idBytes);
  }
}

/**
 * Writes the fingerprints of the ranges to `target` by way of the scratch, as many at once as it holds; `hash` makes
 * those of `count` ranges that stand at an address, and writes them to another.
 */
export function fingerprintsBy(
  { arena, module, scratch, scratchBytes }: RecordContext,
  ranges: Uint32Array,
  target: Uint8Array,
  hash: (ranges: number, count: number, out: number) => void,
): void {
  const rangeBytes = module.RANGE_BYTES.value;
  const lanes = module.HASH_LANES.value;
  const part = Math.floor(scratchBytes / (rangeBytes + fingerprintBytes)) - lanes;
  const total = ranges.length / 2;
  for (let from = 0; from < total; from += part) {
    const count = Math.min(part, total - from);
    const out = scratch + count * rangeBytes;
    arena.words.set(ranges.subarray(from * 2, (from + count) * 2), scratch / 4);
    hash(scratch, count, out);
    target.set(arena.bytes.subarray(out, out + count * fingerprintBytes), from * fingerprintBytes);
  }
}
