import type { RecordReader } from '../kernels/kernels.js';
import { type Bound, boundBefore } from './wire/bound.js';

/** A range of the space with the indexes [begin, end) of our items in it. */
export type Range = {
  readonly lower: Bound;
  readonly upper: Bound;
  readonly begin: number;
  readonly end: number;
};

/** A range that is not settled yet. */
export type OpenRange = Range & {
  /** How many differences are expected in it; undefined while nothing is known about it. */
  differences: number | undefined;
};

/** What the ranges have in common that were asked about together: the pieces of one open range. */
export type AskedGroup = {
  /** Whether the peer was sent our fingerprints, or told that we hold nothing. */
  readonly asked: 'fingerprint' | 'nothing';
  /** How many differences are expected in each of them; undefined where nothing is known. */
  readonly differences: number | undefined;
};

/** A range about which the peer was asked. */
export type AskedRange = Range & { readonly group: AskedGroup };

/** The first `size` items of a range, or all of it when it has no more. */
export function firstPiece(storage: RecordReader, range: Range, size: number): Range {
  const { lower, begin } = range;
  const end = begin + size;
  if (end >= range.end) return range;
  return { lower, upper: boundBefore(storage, end), begin, end };
}
