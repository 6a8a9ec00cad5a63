import type { EventIndex } from './event-index.js';
import { rowState } from './rows/row-table.js';

export const isStored = (state: number): boolean => state === rowState.stored;
export const isDue = (state: number): boolean => state === rowState.due;

/**
 * Takes the stored rows that expire by `now`, in seconds since 1970, out of all answers: the change of a byte each, however much
 * hangs on them.
 */
export class Hiding {
  readonly now: number;
  readonly #index: EventIndex;
  #walk: Iterator<void>;
  /** Of the heap that is walked through. */
  #version: number;

  constructor(index: EventIndex, now: number) {
    this.now = now;
    this.#index = index;
    this.#walk = this.#begin();
    this.#version = index.expirations.version;
  }

  /** Hides so many more at most; whether that was all. The index may change between two calls. */
  next(rowsMax: number): boolean {
    if (this.#version !== this.#index.expirations.version) {
      this.#walk = this.#begin();
      this.#version = this.#index.expirations.version;
    }
    for (let rows = 0; rows < rowsMax; rows += 1) if (this.#walk.next().done === true) return true;
    return false;
  }

  #begin(): Iterator<void> {
    return this.#index.expirations.walkUntil(this.now, (row, sequence) => {
      if (this.#index.isCurrent(row, sequence, isStored)) this.#index.restate(row, rowState.due);
    });
  }
}

/** Has those that were not let go of yet stand as stored again, as they do in the log. */
export function showDue(index: EventIndex): void {
  if (index.dueCount === 0) return;
  index.expirations.forEachUntil(Number.POSITIVE_INFINITY, (row, sequence) => {
    if (index.isCurrent(row, sequence, isDue)) index.restate(row, rowState.stored);
  });
}
