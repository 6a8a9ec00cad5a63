import type { RowSource } from '../rows/row-source.js';
import type { TimeKey } from '../rows/row-table.js';
import type { ListRef, PostingLists } from './posting-lists.js';

const noBlocks: readonly number[] = [];

/** Walks a list in its order. Valid until the index changes; `row` is -1 at the end. */
export class ListCursor implements RowSource {
  row = -1;
  readonly #lists: PostingLists;
  readonly #blocks: readonly number[];
  #block = 0;
  #page: Uint32Array | undefined;
  #at = 0;
  #end = 0;

  /** Begins with the first row of the list that is behind `from`. */
  constructor(lists: PostingLists, ref: ListRef, from: TimeKey | undefined) {
    this.#lists = lists;
    const row = lists.singleRow(ref);
    if (ref === 0 || row >= 0) {
      this.#blocks = noBlocks;
      if (row >= 0 && (from === undefined || lists.rows.isBehind(row, from))) this.row = row;
      return;
    }
    this.#blocks = lists.blocks(ref);
    this.#seek(from);
  }

  advance(): number {
    this.#at += 1;
    if (this.#at < this.#end) {
      this.row = this.#page![this.#at]!;
      return 1;
    }
    this.#block += 1;
    this.#enter();
    this.row = this.#at < this.#end ? this.#page![this.#at]! : -1;
    return 1;
  }

  #seek(from: TimeKey | undefined): void {
    const { rows, arena } = this.#lists;
    let first = 0;
    let last = this.#blocks.length - 1;
    // The last block whose first row is not behind the place; the row that is looked for is in it or begins the next.
    while (from !== undefined && first < last) {
      const middle = (first + last + 1) >>> 1;
      const offset = this.#blocks[middle]!;
      if (rows.isBehind(arena.page(offset)[arena.indexOf(offset) + 1]!, from)) last = middle - 1;
      else first = middle;
    }
    this.#block = first;
    this.#enter();
    let end = this.#end;
    while (from !== undefined && this.#at < end) {
      const middle = (this.#at + end) >>> 1;
      if (rows.isBehind(this.#page![middle]!, from)) end = middle;
      else this.#at = middle + 1;
    }
    if (this.#at < this.#end) this.row = this.#page![this.#at]!;
    else {
      this.#at = this.#end - 1;
      this.advance();
    }
  }

  /** Stands before the first row of the current block; of no rows, when there is no such block. */
  #enter(): void {
    const offset = this.#blocks[this.#block];
    if (offset === undefined) {
      this.#at = 0;
      this.#end = 0;
      return;
    }
    const { arena } = this.#lists;
    this.#page = arena.page(offset);
    this.#at = arena.indexOf(offset) + 1;
    this.#end = this.#at + (this.#page[this.#at - 1]! & 0xffff);
  }
}
