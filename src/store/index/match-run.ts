import type { Filter } from '../../nostr/filter.js';
import type { ColumnScan } from './column-scan.js';
import type { EventIndex } from './event-index.js';
import { FilterPlan, type RowClass } from './filter-plan.js';
import type { Gathering } from './gathering.js';
import type { VisitBudget } from './visit-budget.js';

/**
 * What one filter matches of the stored or the refused rows, each row once, in no order, in turns between which the index
 * may change. What is inserted after the beginning is not part of it, nor what is neither any more when it is come by.
 */
export class MatchRun {
  readonly #index: EventIndex;
  readonly #filter: Filter;
  readonly #rowClass: RowClass;
  readonly #beforeSequence: number;
  /** The rows that are to be looked at, while they are gathered, and for what. */
  #begun: { readonly plan: FilterPlan; readonly gathering: Gathering } | undefined;
  #scan: ColumnScan | undefined;

  constructor(index: EventIndex, filter: Filter, rowClass: RowClass) {
    this.#index = index;
    this.#filter = filter;
    this.#rowClass = rowClass;
    this.#beforeSequence = index.nextSequence;
  }

  /** What it holds until it goes on, beside the filter. */
  get bytes(): number {
    return this.#scan?.bytes ?? this.#begun?.gathering.bytes ?? 0;
  }

  /** Calls `visit` with further matches while the budget lasts; whether there are none left. */
  next(budget: VisitBudget, visit: (row: number) => void): boolean {
    if (this.#scan !== undefined) return this.#goOn(this.#scan, budget, visit);
    if (this.#begun === undefined) {
      const plan = new FilterPlan(this.#index, this.#filter, this.#rowClass);
      const fits = this.#fits(plan, budget);
      budget.visits -= plan.visitsMade;
      if (fits) {
        plan.forEachMatch((row) => {
          if (this.#isOld(row)) visit(row);
          return true;
        });
        budget.visits -= plan.visits + plan.visitsChecking;
        return true;
      }
      this.#begun = { plan, gathering: plan.gathering() };
    }
    const { plan, gathering } = this.#begun;
    if (!gathering.next(budget)) return false;
    this.#begun = undefined;
    this.#scan = plan.scan(gathering.rows);
    return this.#goOn(this.#scan, budget, visit);
  }

  /** Whether all is to be done in this turn, by the lists. */
  #fits(plan: FilterPlan, budget: VisitBudget): boolean {
    if (plan.empty) return true;
    if (plan.readsColumns && !plan.readsRefusals) return false;
    // Ids are few, and look-ups at that.
    const visits = this.#filter.ids === undefined ? plan.visits : 0;
    return Math.max(visits, plan.visitsCheckingMax) <= budget.visits;
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
