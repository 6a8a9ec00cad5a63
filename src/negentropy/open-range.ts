import type { Bound } from './bound.js';

/** A range that is not settled yet: its bounds, and the indexes [begin, end) of our items in it. */
export type OpenRange = {
  readonly lower: Bound;
  readonly upper: Bound;
  readonly begin: number;
  readonly end: number;
  /** How many differences are expected in it; undefined while nothing is known about it. */
  differences: number | undefined;
};

/** A range about which the peer was asked, by our fingerprint or by an empty list of ids. */
export type AskedRange = OpenRange & { readonly asked: 'fingerprint' | 'nothing' };
