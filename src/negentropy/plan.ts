/**
 * The cost model of reconciliation; docs/negentropy.md derives it. Sizes are in items, costs in bytes.
 * The peer is taken for one that splits a differing range by 16 and lists below 32 items: a peer that does better
 * makes everything cheaper, one that does worse does not exist among those known.
 */
const fingerprintCost = 22;
const idCost = 32;
const peerPieces = 16;
/** Items above which a peer may answer with pieces instead of ids. */
const listSizeMax = 31;
/** Largest piece that we expect to be listed: below the limit, for the peer's piece may hold some more than ours. */
const leafSizeMax = 28;
/** What one more round costs all in all; shared by all differences that wait for it. */
const roundCost = 60_000;
/** Most pieces that a range is cut into while nothing is known of the differences. */
const firstPiecesMax = 2_700;

/** The differences to expect in each of those pieces that differ, when `differing` of `pieces` do (Poisson). */
export function expectedDifferences(pieces: number, differing: number): number {
  if (differing === 0) return 0;
  const mean = -Math.log(1 - Math.min(differing, pieces - 0.5) / pieces);
  return Math.max(1, (mean * pieces) / differing);
}

/**
 * How many items a piece should have when one difference is expected in `gap` items and `waiting` differences are
 * still to be found in all.
 */
export function pieceSize(gap: number, waiting: number): number {
  const leaf = Math.min(Math.sqrt((fingerprintCost * gap) / idCost), leafSizeMax);
  const leafCost = (fingerprintCost * gap) / leaf + idCost * leaf;
  const inner = (peerPieces ** 0.5 * gap * Math.sqrt(fingerprintCost / idCost)) ** (2 / 3);
  const innerCost =
    (fingerprintCost * gap) / inner +
    peerPieces * fingerprintCost +
    2 * Math.sqrt((fingerprintCost * idCost * inner) / peerPieces) +
    roundCost / Math.max(1, waiting);
  return Math.max(1, innerCost < leafCost ? inner : leaf);
}

/** Into how many pieces to cut a set of `items` of which nothing is known. */
export function firstPieces(items: number): number {
  if (items <= listSizeMax) return 1;
  return Math.min(Math.ceil(Math.sqrt(items)), firstPiecesMax);
}

/** The bytes to expect in the answer to the fingerprint of a piece. */
export function answerBytes(items: number, differences: number): number {
  const answer = items <= listSizeMax ? idCost * items : fingerprintCost * peerPieces;
  return (1 - Math.exp(-differences)) * (answer + 8);
}
