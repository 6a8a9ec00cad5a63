import type { EventIndex } from './event-index.js';
import { addRows, gatheredPerVisit } from './gathering.js';
import { type ListCondition, rowsGatheredMax } from './list-condition.js';
import { RowSet } from './rows/row-set.js';

/** What checks took, in rows that are looked at in that time. */
export type CheckCost = { visits: number };

/** Searches that a check makes before it gathers its rows into a set. */
const searchesMin = 64;
const searchesPerRow = 1 / 64;

/** Whether rows stand in one of some lists: by binary search at first, by a set of all their rows when asked often. */
export class ListCheck {
  readonly #index: EventIndex;
  readonly #condition: ListCondition;
  readonly #cost: CheckCost;
  readonly #searchesMax: number;
  #searches = 0;
  #set: RowSet | undefined;

  /** `cost` is where it puts what it takes. */
  constructor(index: EventIndex, condition: ListCondition, cost: CheckCost) {
    this.#index = index;
    this.#condition = condition;
    this.#cost = cost;
    const { rowCount } = condition;
    this.#searchesMax =
      rowCount > rowsGatheredMax ? Number.POSITIVE_INFINITY : searchesMin + rowCount * searchesPerRow;
  }

  /** The most that it takes to check so many rows. */
  visitsMax(rows: number): number {
    const { lists, rowCount } = this.#condition;
    return Math.min(rows * lists.length, this.#searchesMax + rowCount / gatheredPerVisit);
  }

  has(row: number): boolean {
    if (this.#set !== undefined) return this.#set.has(row);
    const { lists } = this.#condition;
    if (this.#searches + lists.length > this.#searchesMax) return this.#gather().has(row);
    const place = lists.findIndex((list) => this.#index.lists.contains(list, row));
    const searches = place < 0 ? lists.length : place + 1;
    this.#searches += searches;
    this.#cost.visits += searches;
    return place >= 0;
  }

  #gather(): RowSet {
    const set = new RowSet(this.#index.rows.end);
    for (const list of this.#condition.lists) addRows(this.#index, list, set);
    this.#cost.visits += Math.ceil(this.#condition.rowCount / gatheredPerVisit);
    this.#set = set;
    return set;
  }
}
