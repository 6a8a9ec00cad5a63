import { limits } from '../../config/limits.js';
import { Fifo } from '../../lib/collections/fifo.js';
import { SlicedLoop } from '../../lib/turns/sliced-loop.js';
import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';
import type { Backend } from '../backend.js';
import type { EventIndex } from '../index/event-index.js';
import { ListCursor } from '../index/postings/list-cursor.js';
import type { ListRef } from '../index/postings/posting-lists.js';
import type { TimeKey } from '../index/rows/row-table.js';
import type { VisitBudget } from '../index/visit-budget.js';

/** Entries of a list that have a state. The list is asked for in every turn, for it may change in between. */
export type ListedEntries = { readonly list: () => ListRef; readonly state: number };

/** Forgets what stands in a list, which may be all that is remembered: of a long one in as many turns as that takes. */
export class ListForgetting {
  readonly #index: EventIndex;
  readonly #backend: Pick<Backend, 'isStopped'>;
  readonly #forgetAll: (found: readonly number[]) => readonly string[];
  /** Each has the next piece of a long list forgotten. */
  readonly #pieces = new Fifo<() => void>();
  readonly #loop: SlicedLoop;

  /** `forgetAll` forgets those rows, and gives their ids. */
  constructor(
    index: EventIndex,
    backend: Pick<Backend, 'isStopped'>,
    turns: WorkTurns,
    forgetAll: (found: readonly number[]) => readonly string[],
  ) {
    this.#index = index;
    this.#backend = backend;
    this.#forgetAll = forgetAll;
    this.#loop = new SlicedLoop(turns, () => this.#forgetPiece());
  }

  /**
   * Forgets entries of a list, as far as the budget lasts; returns their ids. What is left of a long list is forgotten in
   * later turns: then `later` is told of those.
   */
  forget(
    entries: ListedEntries,
    budget: VisitBudget,
    later: (ids: readonly string[]) => void,
  ): readonly string[] {
    return this.#forgetFrom(undefined, entries, budget, later);
  }

  /** Forgets all that is left, in this turn. */
  finish(): void {
    while (this.#forgetPiece());
  }

  #forgetFrom(
    place: TimeKey | undefined,
    entries: ListedEntries,
    budget: VisitBudget,
    later: (ids: readonly string[]) => void,
  ): readonly string[] {
    const { rows, lists } = this.#index;
    const found: number[] = [];
    const cursor = new ListCursor(lists, entries.list(), place);
    for (; cursor.row >= 0 && budget.visits > 0; cursor.advance()) {
      budget.visits -= 1;
      if (rows.state(cursor.row) === entries.state) found.push(cursor.row);
    }
    const next = cursor.row < 0 ? undefined : rows.keyOf(cursor.row, false);
    const ids = this.#forgetAll(found);
    if (next === undefined) return ids;
    const visits = limits.refusedForgottenAtOnceMax;
    this.#pieces.push(() => later(this.#forgetFrom(next, entries, { visits }, later)));
    this.#loop.begin();
    return ids;
  }

  /** Whether there was one. */
  #forgetPiece(): boolean {
    const forget = this.#backend.isStopped ? undefined : this.#pieces.shift();
    forget?.();
    return forget !== undefined;
  }
}
