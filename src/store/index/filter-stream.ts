import type { Filter } from '../../nostr/filter.js';
import type { EventIndex } from './event-index.js';
import { FilterPlan } from './filter-plan.js';
import { MergedSource, type RowSource } from './row-source.js';
import type { TimeKey } from './row-table.js';

/** How many rows may still be looked at before the event loop gets its turn. */
export type VisitBudget = { visits: number };

/**
 * The matches of one filter, newest first, at most its `limit`. `suspend` lets the index change; `resume` goes on
 * behind the last row that was looked at, with a new plan if rows came meanwhile: nothing else changes a list.
 */
export class FilterStream implements RowSource {
  row = -1;
  readonly #index: EventIndex;
  readonly #filter: Filter;
  readonly #beforeSequence: number;
  readonly #budget: VisitBudget;
  #left: number;
  #plan: FilterPlan | undefined;
  #source: RowSource | undefined;
  #place: TimeKey | undefined;
  #suspended = true;
  /** The index's `nextSequence` when the plan was made. */
  #plannedAt = 0;

  /** Begins suspended. What is inserted from now on is not part of the answer. */
  constructor(index: EventIndex, filter: Filter, budget: VisitBudget) {
    this.#index = index;
    this.#filter = filter;
    this.#budget = budget;
    this.#beforeSequence = index.nextSequence;
    this.#left = filter.limit ?? Number.POSITIVE_INFINITY;
  }

  /** Whether the budget ended the walk before its next match was found. */
  get starved(): boolean {
    return this.row < 0 && this.#source !== undefined;
  }

  /** Takes the current row as given and looks for the next one. */
  advance(): void {
    this.#left -= 1;
    this.#source?.advance();
    this.#seek();
  }

  /** Remembers the place; the stream must be resumed before it is used again. */
  suspend(): void {
    if (this.#source === undefined) return;
    if (this.#source.row >= 0) this.#place = this.#index.rows.keyOf(this.#source.row, false);
    this.#suspended = true;
  }

  resume(): void {
    if (!this.#suspended) return;
    this.#suspended = false;
    if (this.#left <= 0) return;
    if (this.#plan === undefined || this.#plannedAt !== this.#index.nextSequence) {
      this.#plannedAt = this.#index.nextSequence;
      this.#plan = new FilterPlan(this.#index, this.#filter, 'stored');
      this.#source = this.#plan.candidates(this.#place);
    }
    this.#seek();
  }

  /** Goes to the next match at or behind the current candidate. */
  #seek(): void {
    const source = this.#source;
    const plan = this.#plan;
    this.row = -1;
    if (source === undefined || plan === undefined) return;
    while (this.#left > 0 && source.row >= 0 && !plan.isTooOld(source.row)) {
      if (this.#budget.visits <= 0) return;
      this.#budget.visits -= 1;
      if (plan.matches(source.row) && this.#index.rows.sequence(source.row) < this.#beforeSequence) {
        this.row = source.row;
        return;
      }
      source.advance();
    }
    this.#source = undefined;
  }
}

/** A row that was found; its sequence tells later whether it is still the same. */
export type FoundRow = { readonly row: number; readonly sequence: number; readonly sizeLog: number };

/** What a query found in one turn, in order. */
export type RowBatch = { readonly found: readonly FoundRow[]; readonly done: boolean };

/** The matches of several filters, newest first, each once, taken in turns between which the index may change. */
export class QueryRun {
  readonly #index: EventIndex;
  readonly #streams: readonly FilterStream[];
  readonly #budget: VisitBudget = { visits: 0 };
  readonly #visitsPerTurn: number;

  constructor(index: EventIndex, filters: readonly Filter[], visitsPerTurn: number) {
    this.#index = index;
    this.#visitsPerTurn = visitsPerTurn;
    this.#streams = filters.map((filter) => new FilterStream(index, filter, this.#budget));
  }

  /** Up to `rowsMax` further rows; fewer, even none, when the turn is over before. */
  next(rowsMax: number): RowBatch {
    this.#budget.visits = this.#visitsPerTurn;
    for (const stream of this.#streams) stream.resume();
    const merged = new MergedSource(this.#index.rows, this.#streams);
    const { rows } = this.#index;
    const found: FoundRow[] = [];
    const starved = () => this.#streams.some((stream) => stream.starved);
    // A starved stream may still have a row that comes before those of the others.
    while (merged.row >= 0 && found.length < rowsMax && !starved()) {
      const { row } = merged;
      found.push({ row, sequence: rows.sequence(row), sizeLog: rows.sizeLog(row) });
      merged.advance();
    }
    const done = merged.row < 0 && !starved();
    for (const stream of this.#streams) stream.suspend();
    return { found, done };
  }
}
