/**
 * The cost model of reconciliation, which docs/negentropy.md derives. Sizes are in items, costs in bytes. A peer of
 * which nothing is known is taken for a classic one; one that does better makes everything cheaper.
 */

/** A fingerprint with its bound on the wire, and a little for the time that both sides spend on it. */
const fingerprintCost = 22;
const idCost = 32;
/** A skip and the bound of the answer that follows it. */
const rangeCost = 10;
/** What the answer to a list takes, when it names only what differs. */
const listAnswerCost = 40;
/** What a level of pieces takes beside its fingerprints: the skips between, and what is not cut evenly. */
const levelCost = 20;
/** Into how many pieces at most a peer that plans cuts what holds one difference, as a rule. */
const plannedPieces = 6;
/** Levels of pieces that are thought ahead. */
const levelsMax = 8;
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
 * anew from the whole of the rest; another client or server cuts as it sees fit, and forgets nothing.
 */
export type Peer = 'classic' | 'client' | 'server';

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
 * in all: into leaves, which are listed then, or into larger pieces, which the peer cuts first, and so on.
 */
export function bestCut(gap: number, waiting: number, peer: Peer): Cut {
  const round = roundCost / Math.max(1, waiting);
  let best = peer === 'classic' ? classicLeaf(gap) : evenCut(gap, 1);
  for (let levels = 2; levels <= levelsMax; levels += 1) {
    const { size, cost } = evenCut(gap, levels, peer === 'classic' ? classicPieces ** (levels - 1) : 1);
    const whole = cost + othersCost(levels, peer, round);
    if (whole >= best.cost) break;
    best = { size, cost: whole };
  }
  return best;
}

/** What `levels` of pieces cost beside our own ones; a `round` costs so much. */
function othersCost(levels: number, peer: Peer, round: number): number {
  if (peer === 'classic') return (levels - 1) * (fingerprintCost * classicPieces + round);
  // Levels are cut by turns. Only servers list: leaves that the server cut are asked for once more.
  const rounds = Math.floor((peer === 'server' ? levels : levels - 1) / 2);
  return (levels - 1) * levelCost + rounds * round;
}

/**
 * Cuts in `levels` of the same number of pieces, while others cut by `othersPieces` in between. The ids of a leaf
 * then cost as much as the pieces of one level.
 */
function evenCut(gap: number, levels: number, othersPieces = 1): Cut {
  const pieces = Math.max(1, ((idCost / fingerprintCost) * (gap / othersPieces)) ** (1 / (levels + 1)));
  return { size: Math.max(1, gap / pieces), cost: (levels + 1) * fingerprintCost * pieces };
}

/** Leaves that a classic peer will list. */
function classicLeaf(gap: number): Cut {
  const { size } = evenCut(gap, 1);
  const leaf = Math.min(size, leafSizeMax);
  return { size: leaf, cost: (fingerprintCost * gap) / leaf + idCost * leaf };
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
export function expectedAnswerBytes(items: number, differences: number, peer: Peer): number {
  const list = idCost * items;
  let bytes = items <= listSizeMax ? list : fingerprintCost * classicPieces;
  if (peer !== 'classic') bytes = Math.min(list, fingerprintCost * plannedPieces * Math.max(1, differences));
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
