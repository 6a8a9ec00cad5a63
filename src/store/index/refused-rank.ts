import { rowState } from './rows/row-table.js';

/**
 * How readily a refused row gives way to others, the first first: what another room refused; what arrived and the
 * store's own rules did not want; what was stored once. Anybody can make events for the first two by the million,
 * for only an event that is to be stored has its signature checked. What is kept never gives way.
 */
export const refusedRank = { told: 0, unwanted: 1, removed: 2, kept: 3 } as const;

/** The ranks that give way. */
export const forgettableRankCount = 3;

export function refusedRankOf(state: number, sizeLog: number): number {
  if (state === rowState.spentDeletion) return refusedRank.kept;
  // Only what was stored has a size.
  if (sizeLog > 0) return refusedRank.removed;
  return state <= rowState.refusedOwnLast ? refusedRank.unwanted : refusedRank.told;
}
