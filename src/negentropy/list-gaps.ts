import { idBytes, type RecordReader } from '../kernels/kernels.js';
import { idKey, sameId } from './id-list.js';
import type { Range } from './open-range.js';
import { type Bound, compareBounds, infinity, noPrefix, separatingPrefix } from './wire/bound.js';

/**
 * A place where two lists of one range differ: our ids [ourBegin, ourEnd) stand there against their ids
 * [theirBegin, theirEnd), counted from the beginning of the lists; the ids on both sides of it are common.
 */
export type Gap = {
  readonly ourBegin: number;
  readonly ourEnd: number;
  readonly theirBegin: number;
  readonly theirEnd: number;
};

/** Where two lists differ, and how many ids they share. */
export type Alignment = { readonly gaps: readonly Gap[]; readonly common: number };

/**
 * Compares two lists of n · 32 bytes. Undefined when the common ids stand in different orders: the protocol does not
 * promise an order, and without one a peer's id has no place.
 */
export function alignLists(ours: Uint8Array, theirs: Uint8Array): Alignment | undefined {
  const ourCount = ours.length / idBytes;
  const theirCount = theirs.length / idBytes;
  const shorter = Math.min(ourCount, theirCount);
  let first = 0;
  while (first < shorter && sameId(ours, first * idBytes, theirs, first * idBytes)) first += 1;
  let last = 0;
  while (
    last < shorter - first &&
    sameId(ours, (ourCount - 1 - last) * idBytes, theirs, (theirCount - 1 - last) * idBytes)
  ) {
    last += 1;
  }
  const gaps: Gap[] = [];
  let common = first + last;
  let ourBegin = first;
  let theirBegin = first;
  const close = (ourEnd: number, theirEnd: number): void => {
    if (ourBegin < ourEnd || theirBegin < theirEnd) gaps.push({ ourBegin, ourEnd, theirBegin, theirEnd });
  };
  if (first < ourCount - last && first < theirCount - last) {
    const places = new Map<string, number>();
    for (let at = first; at < theirCount - last; at += 1) places.set(idKey(theirs, at * idBytes), at);
    for (let at = first; at < ourCount - last; at += 1) {
      const place = places.get(idKey(ours, at * idBytes));
      if (place === undefined) continue;
      if (place < theirBegin) return undefined;
      close(at, place);
      common += 1;
      ourBegin = at + 1;
      theirBegin = place + 1;
    }
  }
  close(ourCount - last, theirCount - last);
  return { gaps, common };
}

/**
 * The smallest range around a gap that is sure to hold all ids of it and none of the common ones, though of their
 * ids we know no timestamp: each lies somewhere between its common neighbours. Undefined when no such range exists,
 * that is, when their list is not in order after all.
 */
export function rangeOfGap(
  storage: RecordReader,
  range: Range,
  theirs: Uint8Array,
  gap: Gap,
): Range | undefined {
  const begin = range.begin + gap.ourBegin;
  const end = range.begin + gap.ourEnd;
  const theirIds: Uint8Array[] = [];
  for (let at = gap.theirBegin; at < gap.theirEnd; at += 1) {
    theirIds.push(theirs.subarray(at * idBytes, (at + 1) * idBytes));
  }
  const lower = begin === range.begin ? range.lower : boundAbove(storage, begin - 1, end, theirIds);
  const upper = end === range.end ? range.upper : boundBelow(storage, begin, end, theirIds);
  if (compareBounds(lower, upper) >= 0) return undefined;
  return { lower, upper, begin, end };
}

/** A bound above our item `common`, and not above our items up to `end` and their ids that follow it. */
function boundAbove(
  storage: RecordReader,
  common: number,
  end: number,
  theirIds: readonly Uint8Array[],
): Bound {
  const timestamp = storage.timestampAt(common);
  const id = storage.idAt(common);
  const following = theirIds.filter((their) => Buffer.compare(their, id) > 0);
  if (common + 1 < end && storage.timestampAt(common + 1) === timestamp)
    following.push(storage.idAt(common + 1));
  const [lowest] = following.map((other) => separatingPrefix(id, other)).sort(Buffer.compare);
  if (lowest !== undefined) return { timestamp, prefix: lowest };
  // Whatever follows has a later timestamp, for its id is smaller.
  return { timestamp: timestamp < infinity ? timestamp + 1n : infinity, prefix: noPrefix };
}

/** A bound not above our item `end`, and above our items from `begin` on and their ids that precede it. */
function boundBelow(
  storage: RecordReader,
  begin: number,
  end: number,
  theirIds: readonly Uint8Array[],
): Bound {
  const timestamp = storage.timestampAt(end);
  const id = storage.idAt(end);
  const preceding = theirIds.filter((their) => Buffer.compare(their, id) < 0);
  if (end > begin && storage.timestampAt(end - 1) === timestamp) preceding.push(storage.idAt(end - 1));
  const highest = preceding
    .map((other) => separatingPrefix(other, id))
    .sort(Buffer.compare)
    .at(-1);
  // Whatever precedes has an earlier timestamp otherwise, for its id is larger.
  return { timestamp, prefix: highest ?? noPrefix };
}
