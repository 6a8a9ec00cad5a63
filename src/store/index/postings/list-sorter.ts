import { rowOrder } from '../rows/row-order.js';
import type { ListRef, PostingLists } from './posting-lists.js';

/** Puts lists in order whose rows were appended as they came; they must have no dead rows. */
export class ListSorter {
  readonly #lists: PostingLists;
  /** All rows in order, and the place of each row in it. */
  readonly #order: Uint32Array;
  readonly #ranks: Uint32Array;
  #scratch = new Uint32Array(1_024);

  constructor(lists: PostingLists) {
    this.#lists = lists;
    const { order, ranks } = rowOrder(lists.rows);
    this.#order = order;
    this.#ranks = ranks;
  }

  sort(ref: ListRef): void {
    if (ref === 0 || this.#lists.singleRow(ref) >= 0) return;
    const count = this.#lists.count(ref);
    if (this.#scratch.length < count) this.#scratch = new Uint32Array(count * 2);
    const sorted = this.#scratch.subarray(0, count);
    let at = 0;
    this.#forEachRow(ref, (page, index) => {
      sorted[at++] = this.#ranks[page[index]!]!;
    });
    sortNumbers(sorted);
    at = 0;
    this.#forEachRow(ref, (page, index) => {
      page[index] = this.#order[sorted[at++]!]!;
    });
  }

  /** Calls `visit` with the place of each row of a list. */
  #forEachRow(ref: ListRef, visit: (page: Uint32Array, index: number) => void): void {
    const { arena } = this.#lists;
    for (const offset of this.#lists.blocks(ref)) {
      const page = arena.page(offset);
      const begin = arena.indexOf(offset) + 1;
      const end = begin + (page[begin - 1]! & 0xffff);
      for (let index = begin; index < end; index += 1) visit(page, index);
    }
  }
}

/** Most lists are short: for those the native sort costs more than it saves. */
function sortNumbers(numbers: Uint32Array): void {
  if (numbers.length > 24) {
    numbers.sort();
    return;
  }
  for (let at = 1; at < numbers.length; at += 1) {
    const number = numbers[at]!;
    let to = at;
    for (; to > 0 && numbers[to - 1]! > number; to -= 1) numbers[to] = numbers[to - 1]!;
    numbers[to] = number;
  }
}
