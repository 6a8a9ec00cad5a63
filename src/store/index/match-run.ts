import type { Filter } from '../../nostr/filter.js';
import type { EventIndex } from './event-index.js';
import { FilterPlan } from './filter-plan.js';
import type { VisitBudget } from './filter-stream.js';
import type { RowSet } from './row-set.js';

/** Rows of posting lists that are gathered in the time in which one row is looked at. */
const gatheredPerVisit = 16;

/**
 * What one filter matches of the stored rows, each row once, in no order, in turns between which the index may change.
 * What is inserted after the beginning is not part of it, nor what has left the store before it is come by.
 */
export class MatchRun {
  readonly #index: EventIndex;
  readonly #filter: Filter;
  readonly #beforeSequence: number;
  readonly #end: number;
  #plan: FilterPlan | undefined;
  #candidates: RowSet | undefined;
  #next = 0;

  constructor(index: EventIndex, filter: Filter) {
    this.#index = index;
    this.#filter = filter;
    this.#beforeSequence = index.nextSequence;
    this.#end = index.rows.end;
  }

  /** Calls `visit` with further matches while the budget lasts; whether there are none left. */
  next(budget: VisitBudget, visit: (row: number) => void): boolean {
    if (this.#plan === undefined) {
      const plan = new FilterPlan(this.#index, this.#filter, 'stored');
      const { visits } = plan;
      // Ids are few, and look-ups at that.
      if (visits <= budget.visits || this.#filter.ids !== undefined) {
        budget.visits -= visits;
        plan.forEachMatch((row) => {
          if (this.#isOld(row)) visit(row);
          return true;
        });
        return true;
      }
      this.#plan = plan;
      budget.visits -= Math.ceil(plan.gatheredRows / gatheredPerVisit);
      this.#candidates = plan.candidateSet();
    }
    return this.#goOn(this.#plan, budget, visit);
  }

  /**
   * The plan's lists may have changed by now, but what it checks of a candidate has not: an author's number goes to
   * another only when no row from before is left that has it.
   */
  #goOn(plan: FilterPlan, budget: VisitBudget, visit: (row: number) => void): boolean {
    for (let row = this.#next; ; row += 1) {
      if (this.#candidates !== undefined) row = this.#candidates.from(row);
      if (row < 0 || row >= this.#end) return true;
      if (budget.visits <= 0) {
        this.#next = row;
        return false;
      }
      budget.visits -= 1;
      if (this.#isOld(row) && plan.matchesCandidate(row)) visit(row);
    }
  }

  #isOld(row: number): boolean {
    return this.#index.rows.sequence(row) < this.#beforeSequence;
  }
}
