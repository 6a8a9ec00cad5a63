import type { Filter } from '../../nostr/filter.js';
import type { ColumnScan } from './column-scan.js';
import type { EventIndex } from './event-index.js';
import { FilterPlan, type RowClass } from './filter-plan.js';
import type { VisitBudget } from './filter-stream.js';

/**
 * What one filter matches of the stored or the refused rows, each row once, in no order, in turns between which the index
 * may change. What is inserted after the beginning is not part of it, nor what is neither any more when it is come by.
 */
export class MatchRun {
  readonly #index: EventIndex;
  readonly #filter: Filter;
  readonly #rowClass: RowClass;
  readonly #beforeSequence: number;
  #scan: ColumnScan | undefined;

  constructor(index: EventIndex, filter: Filter, rowClass: RowClass) {
    this.#index = index;
    this.#filter = filter;
    this.#rowClass = rowClass;
    this.#beforeSequence = index.nextSequence;
  }

  /** Calls `visit` with further matches while the budget lasts; whether there are none left. */
  next(budget: VisitBudget, visit: (row: number) => void): boolean {
    if (this.#scan === undefined) {
      const plan = new FilterPlan(this.#index, this.#filter, this.#rowClass);
      const { visits, readsColumns, readsRefusals } = plan;
      // Ids are few, and look-ups at that.
      const fits = visits <= budget.visits || this.#filter.ids !== undefined;
      budget.visits -= plan.visitsMade;
      if (fits && (readsRefusals || !readsColumns)) {
        budget.visits -= visits;
        plan.forEachMatch((row) => {
          if (this.#isOld(row)) visit(row);
          return true;
        });
        return true;
      }
      budget.visits -= plan.visitsGathering;
      this.#scan = plan.scanByAndBy();
    }
    return this.#goOn(this.#scan, budget, visit);
  }

  /**
   * The plan's lists may have changed by now, but what the scan checks of a row has not: an author's number goes to
   * another only when no row from before is left that has it.
   */
  #goOn(scan: ColumnScan, budget: VisitBudget, visit: (row: number) => void): boolean {
    const isUnchanged = this.#index.nextSequence === this.#beforeSequence;
    while (!scan.isDone) {
      if (budget.visits <= 0) return false;
      budget.visits -= scan.step(budget.visits);
      for (let at = 0; at < scan.foundCount; at += 1) {
        const row = scan.found[at]!;
        if (isUnchanged || this.#isOld(row)) visit(row);
      }
    }
    return true;
  }

  #isOld(row: number): boolean {
    return this.#index.rows.sequence(row) < this.#beforeSequence;
  }
}
