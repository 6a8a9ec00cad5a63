import type { EventIndex } from './event-index.js';
import type { ListRef } from './postings/posting-lists.js';
import { RowSet } from './rows/row-set.js';

/** A condition of a filter that posting lists answer: a row matches if it stands in one of them. */
export type ListCondition = {
  readonly lists: readonly ListRef[];
  readonly rowCount: number;
  readonly name: string;
  /** How many values were looked up for it. */
  readonly lookups: number;
};

/** All rows that stand in the lists of a condition. */
export function gather({ rows, lists }: EventIndex, condition: ListCondition): RowSet {
  const set = new RowSet(rows.end);
  for (const list of condition.lists) {
    const row = lists.singleRow(list);
    if (row >= 0) {
      set.add(row);
      continue;
    }
    for (const offset of lists.blocks(list)) {
      const page = lists.arena.page(offset);
      const begin = lists.arena.indexOf(offset) + 1;
      const end = begin + (page[begin - 1]! & 0xffff);
      for (let at = begin; at < end; at += 1) set.add(page[at]!);
    }
  }
  return set;
}

/** Searches that a check makes before it gathers its rows into a set. */
const searchesPerRow = 1 / 64;

/** Whether rows stand in one of some lists: by binary search at first, by a set of all their rows when asked often. */
export class ListCheck {
  readonly #index: EventIndex;
  readonly #condition: ListCondition;
  #searches = 0;
  #set: RowSet | undefined;
  /** How many rows were gathered for it. */
  gatheredRows = 0;

  constructor(index: EventIndex, condition: ListCondition) {
    this.#index = index;
    this.#condition = condition;
  }

  has(row: number): boolean {
    if (this.#set !== undefined) return this.#set.has(row);
    this.#searches += this.#condition.lists.length;
    if (this.#searches > 64 + this.#condition.rowCount * searchesPerRow) {
      this.#set = gather(this.#index, this.#condition);
      this.gatheredRows = this.#condition.rowCount;
      return this.#set.has(row);
    }
    return this.#condition.lists.some((list) => this.#index.lists.contains(list, row));
  }
}
