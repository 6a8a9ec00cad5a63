import type { Filter } from '../../nostr/filter.js';
import type { EventIndex } from '../index/event-index.js';
import { MatchRun } from '../index/match-run.js';
import type { RowTable } from '../index/rows/row-table.js';
import type { VisitBudget } from '../index/visit-budget.js';

/** Whether an entry that matches is one of those that are looked for, by its row. */
export type IsWanted = (row: number) => boolean;

/** Looks for refused entries in turns, between which the index may change; what is remembered meanwhile is not found. */
export class RefusedSearch {
  readonly #rows: RowTable;
  readonly #run: MatchRun;
  readonly #isWanted: IsWanted;

  constructor(index: EventIndex, filter: Filter, isWanted: IsWanted) {
    this.#rows = index.rows;
    this.#run = new MatchRun(index, filter, 'refused');
    this.#isWanted = isWanted;
  }

  /** Goes on while the budget lasts; gives the ids that it found, and whether these were the last. */
  next(budget: VisitBudget): { readonly ids: readonly string[]; readonly isDone: boolean } {
    const ids: string[] = [];
    const isDone = this.#run.next(budget, (row) => {
      if (this.#isWanted(row)) ids.push(this.#rows.idHex(row));
    });
    return { ids, isDone };
  }
}
