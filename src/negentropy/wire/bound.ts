import { idBytes, type RecordReader } from '../../kernels/kernels.js';

/**
 * A point between two items: the items below it are smaller than (timestamp, prefix padded with zero bytes).
 * A range holds its lower bound and not its upper one.
 */
export type Bound = { readonly timestamp: bigint; readonly prefix: Uint8Array };

/** The timestamp above all items; no item may have it. */
export const infinity = 2n ** 64n - 1n;
/** The prefix of a bound that is a timestamp only. */
export const noPrefix = new Uint8Array(0);

/** Below every item. */
export const lowestBound: Bound = { timestamp: 0n, prefix: noPrefix };
/** Above every item. */
export const highestBound: Bound = { timestamp: infinity, prefix: noPrefix };

/** Negative, zero or positive as `a` lies below, at or above `b`; missing prefix bytes count as zero. */
export function compareBounds(a: Bound, b: Bound): number {
  if (a === b) return 0;
  if (a.timestamp !== b.timestamp) return a.timestamp < b.timestamp ? -1 : 1;
  return comparePrefixes(a.prefix, b.prefix);
}

/** The same of two prefixes. */
export function comparePrefixes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.max(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The shortest bound between the items `index − 1` and `index`; both must exist. */
export function boundBefore(storage: RecordReader, index: number): Bound {
  const timestamp = storage.timestampAt(index);
  if (timestamp !== storage.timestampAt(index - 1)) return { timestamp, prefix: noPrefix };
  return { timestamp, prefix: separatingPrefix(storage.idAt(index - 1), storage.idAt(index)) };
}

/** The shortest prefix of `upper` that is above `lower`; both are ids, and `lower` is the smaller one. */
export function separatingPrefix(lower: Uint8Array, upper: Uint8Array): Uint8Array {
  let shared = 0;
  while (shared < idBytes - 1 && lower[shared] === upper[shared]) shared += 1;
  return upper.slice(0, shared + 1);
}

/** The first index at or above a bound; it is found quickly where it lies not far behind the index `near`. */
export function indexOfBound(storage: RecordReader, bound: Bound, near?: number): number {
  if (bound.timestamp === infinity) return storage.size;
  return storage.lowerBound(bound.timestamp, bound.prefix, near);
}
