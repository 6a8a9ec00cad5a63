import { type RowTable, rowState } from '../rows/row-table.js';
import { BlockArena, blockCapacity, blockClassFor, blockClassMax } from './block-arena.js';
import { type LongList, LongLists } from './long-lists.js';

/**
 * A posting list by reference, one word, that changes as the list does:
 * 0 is no list; `01` in the upper two bits a list of one row, which is the lower bits; `10` the block at that offset;
 * `11` the list of blocks with that number. Most values occur once, so most lists take no memory of their own.
 */
export type ListRef = number;

const single = 1;
const block = 2;
const long = 3;
const low = 2 ** 30 - 1;
const rowsPerBlock = blockCapacity(blockClassMax);

/** Lists of rows in the order of `RowTable.compare`: newest first, ties by lowest id. */
export class PostingLists {
  readonly rows: RowTable;
  readonly arena = new BlockArena();
  readonly #long = new LongLists();

  constructor(rows: RowTable) {
    this.rows = rows;
  }

  /** How many rows a list has, dead ones included. */
  count(ref: ListRef): number {
    if (ref === 0) return 0;
    if (ref >>> 30 === single) return 1;
    if (ref >>> 30 === long) return this.#long.at(ref & low).count;
    return this.arena.page(ref & low)[this.arena.indexOf(ref & low)]! & 0xffff;
  }

  /** The only row of a list of one; -1 for any other list. */
  singleRow(ref: ListRef): number {
    return ref >>> 30 === single ? ref & low : -1;
  }

  /** The offsets of the blocks of a list that has more than one row, in order. */
  blocks(ref: ListRef): readonly number[] {
    return ref >>> 30 === long ? this.#long.at(ref & low).blocks : [ref & low];
  }

  /** Whether the row stands in the list. */
  contains(ref: ListRef, row: number): boolean {
    if (ref === 0) return false;
    if (ref >>> 30 === single) return (ref & low) === row;
    let offset = ref & low;
    if (ref >>> 30 === long) {
      const { blocks } = this.#long.at(offset);
      offset = blocks[this.#blockFor(blocks, row)]!;
    }
    const page = this.arena.page(offset);
    const at = this.arena.indexOf(offset);
    const count = page[at]! & 0xffff;
    const position = this.#positionOf(page, at + 1, count, row);
    return position < count && page[at + 1 + position] === row;
  }

  /** Inserts a row, once; gives the new reference of the list. */
  insert(ref: ListRef, row: number): ListRef {
    if (ref === 0) return ((single << 30) | row) >>> 0;
    if (ref >>> 30 === single) return this.#insertSecond(ref & low, row);
    if (ref >>> 30 === block) return this.#insertIntoBlock(ref, row);
    this.#insertIntoLong(this.#long.at(ref & low), row);
    return ref;
  }

  /** Appends a row, out of order, until `ListSorter` has put the list in order; not twice in a row. Gives the new reference of the list. */
  append(ref: ListRef, row: number): ListRef {
    if (ref === 0) return ((single << 30) | row) >>> 0;
    if (ref >>> 30 === single) {
      return (ref & low) === row ? ref : this.#blockOf(Uint32Array.of(ref & low, row));
    }
    const list = ref >>> 30 === long ? this.#long.at(ref & low) : undefined;
    const offset = list === undefined ? ref & low : list.blocks.at(-1)!;
    const page = this.arena.page(offset);
    const at = this.arena.indexOf(offset);
    const count = page[at]! & 0xffff;
    const sizeClass = page[at]! >>> 16;
    if (page[at + count] === row) return ref;
    if (count < blockCapacity(sizeClass)) {
      page[at + 1 + count] = row;
      page[at]! += 1;
    } else if (list !== undefined) {
      list.blocks.push(this.#blockOf(Uint32Array.of(row), blockClassMax) & low);
    } else {
      return this.#appendGrowing(offset, row);
    }
    if (list !== undefined) list.count += 1;
    return ref;
  }

  /** Takes all dead rows out of a list; gives its new reference. */
  sweep(ref: ListRef): ListRef {
    if (ref === 0) return 0;
    if (ref >>> 30 === single) return this.rows.state(ref & low) === rowState.dead ? 0 : ref;
    if (ref >>> 30 === block) {
      this.#sweepBlock(ref & low);
      return this.#fit(ref & low);
    }
    return this.#sweepLong(ref);
  }

  dump(): { arena: ReturnType<BlockArena['dump']>; long: Uint32Array; longFree: Uint32Array } {
    return { arena: this.arena.dump(), ...this.#long.dump() };
  }

  restore(long: Uint32Array, longFree: Uint32Array): void {
    this.#long.restore(long, longFree);
  }

  /** The first position in `[begin, begin + count)` of a page whose row does not come before `row`. */
  #positionOf(page: Uint32Array, begin: number, count: number, row: number): number {
    let from = 0;
    let to = count;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.rows.compare(page[begin + middle]!, row) < 0) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  /** The number of the last block whose first row does not come after `row`; else the first. */
  #blockFor(blocks: readonly number[], row: number): number {
    let from = 0;
    let to = blocks.length - 1;
    while (from < to) {
      const middle = (from + to + 1) >>> 1;
      if (this.rows.compare(this.#firstOf(blocks[middle]!), row) <= 0) from = middle;
      else to = middle - 1;
    }
    return from;
  }

  #firstOf(offset: number): number {
    return this.arena.page(offset)[this.arena.indexOf(offset) + 1]!;
  }

  #insertSecond(other: number, row: number): ListRef {
    if (other === row) return ((single << 30) | row) >>> 0;
    const first = this.rows.compare(other, row) < 0 ? other : row;
    return this.#blockOf(Uint32Array.of(first, first === row ? other : row));
  }

  /** A new block with these rows. */
  #blockOf(rows: Uint32Array, sizeClass = blockClassFor(rows.length)): ListRef {
    const offset = this.arena.allocate(sizeClass);
    const page = this.arena.page(offset);
    const at = this.arena.indexOf(offset);
    page[at]! += rows.length;
    page.set(rows, at + 1);
    return ((block << 30) | offset) >>> 0;
  }

  #insertIntoBlock(ref: ListRef, row: number): ListRef {
    const offset = ref & low;
    const page = this.arena.page(offset);
    const at = this.arena.indexOf(offset);
    const count = page[at]! & 0xffff;
    const sizeClass = page[at]! >>> 16;
    const position = this.#positionOf(page, at + 1, count, row);
    if (position < count && page[at + 1 + position] === row) return ref;
    if (count < blockCapacity(sizeClass)) {
      insertAt(page, at, count, position, row);
      return ref;
    }
    if (sizeClass < blockClassMax) {
      const grown = this.#blockOf(page.subarray(at + 1, at + 1 + count), sizeClass + 1);
      this.arena.release(offset);
      insertAt(this.arena.page(grown & low), this.arena.indexOf(grown & low), count, position, row);
      return grown;
    }
    const list = { blocks: [offset], count };
    this.#insertIntoLong(list, row);
    return ((long << 30) | this.#long.add(list)) >>> 0;
  }

  #insertIntoLong(list: LongList, row: number): void {
    const number = this.#blockFor(list.blocks, row);
    const offset = list.blocks[number]!;
    const page = this.arena.page(offset);
    const at = this.arena.indexOf(offset);
    const count = page[at]! & 0xffff;
    const position = this.#positionOf(page, at + 1, count, row);
    if (position < count && page[at + 1 + position] === row) return;
    list.count += 1;
    if (count < rowsPerBlock) {
      insertAt(page, at, count, position, row);
    } else if (position === 0 || position === count) {
      // At an end, as when events come in the order of their time: blocks stay full.
      const added = this.#blockOf(Uint32Array.of(row), blockClassMax) & low;
      list.blocks.splice(number + (position === 0 ? 0 : 1), 0, added);
    } else {
      const half = count >>> 1;
      const added = this.#blockOf(page.subarray(at + 1 + half, at + 1 + count), blockClassMax) & low;
      page[at]! -= count - half;
      list.blocks.splice(number + 1, 0, added);
      if (position <= half) insertAt(page, at, half, position, row);
      else {
        const addedPage = this.arena.page(added);
        insertAt(addedPage, this.arena.indexOf(added), count - half, position - half, row);
      }
    }
  }

  /** Appends to a full block that is a list of its own. */
  #appendGrowing(offset: number, row: number): ListRef {
    const page = this.arena.page(offset);
    const at = this.arena.indexOf(offset);
    const count = page[at]! & 0xffff;
    const sizeClass = page[at]! >>> 16;
    if (sizeClass === blockClassMax) {
      const added = this.#blockOf(Uint32Array.of(row), blockClassMax) & low;
      return ((long << 30) | this.#long.add({ blocks: [offset, added], count: count + 1 })) >>> 0;
    }
    const grown = this.#blockOf(page.subarray(at + 1, at + 1 + count), sizeClass + 1);
    this.arena.release(offset);
    return this.append(grown, row);
  }

  /** Takes the dead rows out of one block; gives how many are left. */
  #sweepBlock(offset: number): number {
    const page = this.arena.page(offset);
    const at = this.arena.indexOf(offset);
    const count = page[at]! & 0xffff;
    let kept = 0;
    for (let position = 0; position < count; position += 1) {
      const row = page[at + 1 + position]!;
      if (this.rows.state(row) === rowState.dead) continue;
      page[at + 1 + kept] = row;
      kept += 1;
    }
    page[at]! -= count - kept;
    return kept;
  }

  /** The reference of a block that lost rows: in a smaller block, as a single row, or gone. */
  #fit(offset: number): ListRef {
    const page = this.arena.page(offset);
    const at = this.arena.indexOf(offset);
    const count = page[at]! & 0xffff;
    const sizeClass = page[at]! >>> 16;
    if (count > 1 && blockClassFor(count) >= sizeClass - 1) return ((block << 30) | offset) >>> 0;
    const rows = page.slice(at + 1, at + 1 + count);
    this.arena.release(offset);
    if (count === 0) return 0;
    return count === 1 ? ((single << 30) | rows[0]!) >>> 0 : this.#blockOf(rows);
  }

  #sweepLong(ref: ListRef): ListRef {
    const list = this.#long.at(ref & low);
    const blocks: number[] = [];
    let count = 0;
    for (const offset of list.blocks) {
      const kept = this.#sweepBlock(offset);
      count += kept;
      const last = blocks.at(-1);
      if (kept === 0 || (last !== undefined && this.#absorb(last, offset, kept))) this.arena.release(offset);
      else blocks.push(offset);
    }
    if (blocks.length > 1) {
      list.blocks = blocks;
      list.count = count;
      return ref;
    }
    this.#long.delete(ref & low);
    return blocks[0] === undefined ? 0 : this.#fit(blocks[0]);
  }

  /** Appends the rows of the block at `offset` to the one before it, if both fit into three quarters of one. */
  #absorb(before: number, offset: number, count: number): boolean {
    const page = this.arena.page(before);
    const at = this.arena.indexOf(before);
    const standing = page[at]! & 0xffff;
    if (standing + count > (rowsPerBlock * 3) >>> 2) return false;
    const from = this.arena.indexOf(offset) + 1;
    page.set(this.arena.page(offset).subarray(from, from + count), at + 1 + standing);
    page[at]! += count;
    return true;
  }
}

/** Makes room at `position` in the block that begins at `at`, which has room, and puts the row there. */
function insertAt(page: Uint32Array, at: number, count: number, position: number, row: number): void {
  const begin = at + 1 + position;
  if (position < count) page.copyWithin(begin + 1, begin, at + 1 + count);
  page[begin] = row;
  page[at]! += 1;
}
