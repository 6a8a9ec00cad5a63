import type { EventIndex } from './event-index.js';
import { rowState } from './rows/row-table.js';

export const isStored = (state: number): boolean => state === rowState.stored;
export const isDue = (state: number): boolean => state === rowState.due;

/** Takes the stored rows that expire by `now` out of all answers: the change of a byte each, however much hangs on them. */
export function hideDue(index: EventIndex, now: number): void {
  index.expirations.forEachUntil(now, (row, sequence) => {
    if (index.isCurrent(row, sequence, isStored)) index.restate(row, rowState.due);
  });
}

/** Has those that were not let go of yet stand as stored again, as they do in the log. */
export function showDue(index: EventIndex): void {
  if (index.dueCount === 0) return;
  index.expirations.forEachUntil(Number.POSITIVE_INFINITY, (row, sequence) => {
    if (index.isCurrent(row, sequence, isDue)) index.restate(row, rowState.stored);
  });
}
