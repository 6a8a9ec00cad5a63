import type { EventIndex } from './event-index.js';
import type { ListCondition } from './list-condition.js';
import type { ListRef } from './postings/posting-lists.js';
import { RowSet } from './rows/row-set.js';
import type { VisitBudget } from './visit-budget.js';

/** Rows of posting lists that are gathered in the time in which one row is looked at. */
export const gatheredPerVisit = 16;

/** Rows that are looked at in the time in which a list is found again. */
const visitsPerList = 2;

/** Adds all rows of a list to a set, but for those that are too new for it. */
export function addRows({ rows, lists }: EventIndex, list: ListRef, set: RowSet): void {
  if (list === 0) return;
  const row = lists.singleRow(list);
  if (row >= 0) {
    if (row < set.end) set.add(row);
    return;
  }
  const isWhole = rows.end <= set.end;
  for (const offset of lists.blocks(list)) {
    const page = lists.arena.page(offset);
    const begin = lists.arena.indexOf(offset) + 1;
    const end = begin + (page[begin - 1]! & 0xffff);
    for (let at = begin; at < end; at += 1) if (isWhole || page[at]! < set.end) set.add(page[at]!);
  }
}

/**
 * The rows that stand in a list of each of some conditions, gathered in turns between which the index may change: those
 * that were there at the beginning and are still there are among them. A list is gathered in one go.
 */
export class Gathering {
  readonly #index: EventIndex;
  readonly #conditions: readonly ListCondition[];
  readonly #rowsEnd: number;
  /** What stands in all conditions that are done. */
  #rows: RowSet | undefined;
  /** What stands in the one in hand. */
  #set: RowSet | undefined;
  #condition = 0;
  #value = 0;

  /** `among`: only of these rows, which are below the present end. */
  constructor(index: EventIndex, conditions: readonly ListCondition[], among?: RowSet) {
    this.#index = index;
    this.#conditions = conditions;
    this.#rowsEnd = index.rows.end;
    this.#rows = among;
  }

  /** What was gathered, once that is all; `undefined` where there is no condition. */
  get rows(): RowSet | undefined {
    return this.#rows;
  }

  /** What its sets take in memory. */
  get bytes(): number {
    return (this.#rows?.bytes ?? 0) + (this.#set?.bytes ?? 0);
  }

  /** Goes on while the budget lasts; whether all is gathered. */
  next(budget: VisitBudget): boolean {
    for (; this.#condition < this.#conditions.length; this.#condition += 1) {
      if (!this.#gather(this.#conditions[this.#condition]!, budget)) return false;
    }
    return true;
  }

  #gather(condition: ListCondition, budget: VisitBudget): boolean {
    this.#set ??= new RowSet(this.#rowsEnd);
    for (; this.#value < condition.lookups; this.#value += 1) {
      if (budget.visits <= 0) return false;
      const list = condition.listAt(this.#value);
      addRows(this.#index, list, this.#set);
      budget.visits -= visitsPerList + Math.ceil(this.#index.lists.count(list) / gatheredPerVisit);
    }
    if (this.#rows === undefined) this.#rows = this.#set;
    else this.#rows.retain(this.#set);
    this.#set = undefined;
    this.#value = 0;
    return true;
  }
}
