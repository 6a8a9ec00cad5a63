/**
 * The cost model of reconciliation, which docs/negentropy.md derives. Sizes are in items, costs in bytes. It takes the
 * peer for one that splits a differing range by 16 and lists below 32 items; a peer that does better makes
 * everything cheaper.
 */

/** A fingerprint with its bound on the wire, and a little for the time that both sides spend on it. */
const fingerprintCost = 22;
const idCost = 32;
/** A skip and the bound of the answer that follows it. */
const rangeCost = 10;
/** What the answer to a list takes, when it names only what differs. */
const listAnswerCost = 40;
/** Into how many pieces a classic peer splits a range. */
export const classicPieces = 16;
/** Items above which a peer may answer with pieces instead of ids. */
const listSizeMax = 31;
/** Largest piece that we expect to be listed: below the limit, for the peer may hold some more in it than we. */
const leafSizeMax = 28;
/** What one more round costs all in all, shared by the differences that wait for it: 60 ms at 2 Mbit/s. */
const roundCost = 15_000;
/** Most pieces that a set is cut into while nothing is known of the differences. */
const firstPiecesMax = 1_000;

/**
 * How a peer goes on: a classic one splits every differing range by 16, and what its frame does not hold it asks for
 * anew from the whole of the rest; a planning one cuts as it sees fit and forgets nothing.
 */
export type PeerHabit = 'classic' | 'planning';

/** How to cut a range: the items of a piece, and the bytes until a difference in it is found. */
export type Cut = { readonly size: number; readonly cost: number };

/** The differences to expect in each of those pieces that differ, when `differing` of `pieces` do (Poisson). */
export function expectedDifferences(pieces: number, differing: number): number {
  if (differing === 0) return 0;
  const mean = -Math.log(1 - Math.min(differing, pieces - 0.5) / pieces);
  return Math.max(1, (mean * pieces) / differing);
}

/**
 * How best to cut ranges that hold one difference in `gap` items, while `waiting` differences are still to be found
 * in all: into leaves, which the peer lists at once, or into larger pieces, which it splits first.
 */
export function bestCut(gap: number, waiting: number, peer: PeerHabit = 'classic'): Cut {
  const peerPieces = peer === 'classic' ? classicPieces : 1;
  const leaf = Math.max(1, Math.min(Math.sqrt((fingerprintCost * gap) / idCost), leafSizeMax));
  const leafCost = (fingerprintCost * gap) / leaf + idCost * leaf;
  const inner = (Math.sqrt(peerPieces * (fingerprintCost / idCost)) * gap) ** (2 / 3);
  const innerCost =
    (fingerprintCost * gap) / inner +
    (peer === 'classic' ? fingerprintCost * classicPieces : 0) +
    2 * Math.sqrt((fingerprintCost * idCost * inner) / peerPieces) +
    roundCost / Math.max(1, waiting);
  return innerCost < leafCost ? { size: inner, cost: innerCost } : { size: leaf, cost: leafCost };
}

/** Whether listing `items`, of which `gap` hold one difference, is cheaper than cutting them as `cut` says. */
export function listingIsCheaper(gap: number, cut: Cut, waiting: number): boolean {
  return idCost * gap <= cut.cost + listAnswerCost + roundCost / Math.max(1, waiting);
}

/** Into how many pieces to cut a set of `items` of which nothing is known. */
export function firstPieces(items: number): number {
  if (items <= listSizeMax) return 1;
  return Math.min(Math.ceil(Math.sqrt(items)), firstPiecesMax);
}

/** The bytes to expect from the peer for the fingerprint of a piece in which `differences` are expected. */
export function expectedAnswerBytes(items: number, differences: number): number {
  const bytes = items <= listSizeMax ? idCost * items : fingerprintCost * classicPieces;
  return (1 - Math.exp(-differences)) * (bytes + rangeCost);
}

/** How dense the differences are, drawn from ranges of which nothing was known before. */
export class DifferenceDensity {
  #items = 0;
  #differences = 0;

  /** Whether anything is known yet. */
  get known(): boolean {
    return this.#items > 0;
  }

  /** Lets what was added so far count half: what lies near in the space comes near in time. */
  age(): void {
    this.#items /= 2;
    this.#differences /= 2;
  }

  add(items: number, differences: number): void {
    this.#items += items;
    this.#differences += differences;
  }

  /** The differences to expect among `items`; 0 while nothing is known. */
  expectedIn(items: number): number {
    return (this.#differences / Math.max(1, this.#items)) * items;
  }
}
