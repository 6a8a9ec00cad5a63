import type { Filter } from '../../nostr/filter.js';
import type { EventIndex } from './event-index.js';
import { FilterPlan } from './filter-plan.js';
import { MergedSource, type RowSource } from './rows/row-source.js';
import { rowState, type TimeKey } from './rows/row-table.js';
import type { VisitBudget } from './visit-budget.js';

/** The least share of what a plan takes to make that is spent on using it. */
const useMin = 0.25;

/** A row that was found; its sequence tells later whether it is still the same. */
export type FoundRow = { readonly row: number; readonly sequence: number; readonly sizeLog: number };

/**
 * The matches of one filter, newest first, at most its `limit`. They are found some at a time, by a plan that lives no
 * longer than the turn in which it is made: so the index may change between two turns, and what a turn costs does not
 * grow with the other filters of a query.
 */
export class FilterStream implements RowSource {
  readonly #index: EventIndex;
  readonly #filter: Filter;
  readonly #beforeSequence: number;
  /** How many matches may still be found. */
  #left: number;
  /** Where to go on; absent at the beginning. */
  #place: TimeKey | undefined;
  #isExhausted = false;
  /** Matches that were found and not given yet: those from `#at` on. */
  #found: FoundRow[] = [];
  #at = 0;

  /** What is inserted from now on is not part of the answer. */
  constructor(index: EventIndex, filter: Filter) {
    this.#index = index;
    this.#filter = filter;
    this.#beforeSequence = index.nextSequence;
    this.#left = filter.limit ?? Number.POSITIVE_INFINITY;
  }

  /** How many matches are in memory, those that were given among them. */
  get held(): number {
    return this.#found.length;
  }

  /** The next match, if one is at hand. */
  get current(): FoundRow | undefined {
    return this.#found[this.#at];
  }

  /** Its row, -1 if there is none. */
  get row(): number {
    return this.#at < this.#found.length ? this.#found[this.#at]!.row : -1;
  }

  /** Whether more has to be found before the next match is known. */
  get isHungry(): boolean {
    return this.row < 0 && !this.#isExhausted && this.#left > 0;
  }

  /** Takes the current row as given. */
  advance(): number {
    this.#at += 1;
    return 1;
  }

  /** To be called when a turn begins: forgets matches that have left the store since they were found. */
  resume(): void {
    const isStored = (state: number): boolean => state === rowState.stored;
    const found = this.#found.slice(this.#at);
    this.#found = found.filter(({ row, sequence }) => this.#index.isCurrent(row, sequence, isStored));
    this.#at = 0;
  }

  /** Finds some matches, at most `rowsMax`, while the budget lasts. */
  find(budget: VisitBudget, rowsMax: number): void {
    const { rows } = this.#index;
    const plan = new FilterPlan(this.#index, this.#filter, 'stored');
    const source = plan.candidates(this.#place);
    const { visitsMade } = plan;
    budget.visits -= visitsMade;
    // However long it took to make the plan, it is of some use.
    const visitsEnd = Math.min(0, budget.visits - Math.ceil(visitsMade * useMin));
    this.#found = [];
    this.#at = 0;
    const foundMax = Math.min(this.#left, rowsMax);
    const isOver = (): boolean => source.row < 0 || plan.isTooOld(source.row);
    let row = -1;
    const mayGoOn = (): boolean =>
      this.#found.length < foundMax && budget.visits - plan.visitsChecking > visitsEnd;
    // The dead row of an event that was refused once stands beside its stored one: no place is between the two.
    const isTwin = (): boolean => row >= 0 && rows.compare(row, source.row) === 0;
    while (!isOver() && (mayGoOn() || isTwin())) {
      row = source.row;
      const sequence = rows.sequence(row);
      if (plan.matches(row) && sequence < this.#beforeSequence)
        this.#found.push({ row, sequence, sizeLog: rows.sizeLog(row) });
      budget.visits -= plan.visitsOfSteps(source.advance());
    }
    budget.visits -= plan.visitsChecking;
    this.#left -= this.#found.length;
    this.#isExhausted = isOver();
    if (!this.#isExhausted) this.#place = rows.keyOf(source.row, false);
  }
}

/** What a query found in one turn, in order; `left` counts rows that it found beside these and holds for the next. */
export type RowBatch = {
  readonly found: readonly FoundRow[];
  readonly left: number;
  readonly done: boolean;
};

/** The matches of several filters, newest first, each once, taken in turns between which the index may change. */
export class QueryRun {
  readonly #index: EventIndex;
  readonly #streams: readonly FilterStream[];

  constructor(index: EventIndex, filters: readonly Filter[]) {
    this.#index = index;
    this.#streams = filters.map((filter) => new FilterStream(index, filter));
  }

  /** Up to `rowsMax` further rows; fewer, even none, when the budget does not last. */
  next(budget: VisitBudget, rowsMax: number): RowBatch {
    for (const stream of this.#streams) stream.resume();
    const found: FoundRow[] = [];
    let done = false;
    while (!done && found.length < rowsMax && this.#feed(budget, rowsMax)) done = this.#merge(found, rowsMax);
    return { found, left: this.#streams.reduce((sum, stream) => sum + stream.held, 0), done };
  }

  /** Sees to it that every stream knows its next match, if it has one; false when the budget does not last. */
  #feed(budget: VisitBudget, rowsMax: number): boolean {
    const rowsEach = Math.ceil(rowsMax / this.#streams.length);
    for (const stream of this.#streams) {
      while (stream.isHungry) {
        if (budget.visits <= 0) return false;
        stream.find(budget, rowsEach);
      }
    }
    return true;
  }

  /** Moves matches to `found` until there are `rowsMax`, or one has to be found first; true when there are no more. */
  #merge(found: FoundRow[], rowsMax: number): boolean {
    const merged = new MergedSource(this.#index.rows, this.#streams);
    const isHungry = (): boolean => this.#streams.some((stream) => stream.isHungry);
    for (let first = merged.first; first?.current && found.length < rowsMax; first = merged.first) {
      const { size } = merged;
      found.push(first.current);
      merged.advance();
      // Only one that has no match at hand any more may have to find more.
      if (merged.size < size && isHungry()) return false;
    }
    return merged.size === 0;
  }
}
