import type { RowTable } from './row-table.js';

/** Rows in the order of `RowTable.compare`. Valid until the index changes; `row` is -1 at the end. */
export type RowSource = {
  readonly row: number;
  /** Goes past the current row, if there is one; gives the number of lists in which that was a step. */
  advance(): number;
};

/** Rows that are at hand, in order. */
export class ArraySource implements RowSource {
  row: number;
  readonly #rows: readonly number[];
  #at = 0;

  constructor(rows: readonly number[]) {
    this.#rows = rows;
    this.row = rows[0] ?? -1;
  }

  advance(): number {
    this.#at += 1;
    this.row = this.#rows[this.#at] ?? -1;
    return 1;
  }
}

/** Several sources as one, each row once: a binary heap of sources by their current row. */
export class MergedSource<T extends RowSource> implements RowSource {
  readonly #rows: RowTable;
  readonly #heap: T[];
  /** Places in the heap of the sources that have the current row. */
  readonly #places: number[] = [];

  constructor(rows: RowTable, sources: readonly T[]) {
    this.#rows = rows;
    this.#heap = sources.filter((source) => source.row >= 0);
    for (let at = (this.#heap.length >>> 1) - 1; at >= 0; at -= 1) this.#sink(at);
  }

  get row(): number {
    return this.#heap[0]?.row ?? -1;
  }

  /** The source of the current row, or one of them. */
  get first(): T | undefined {
    return this.#heap[0];
  }

  /** How many of the sources have a row. */
  get size(): number {
    return this.#heap.length;
  }

  /** Goes past the current row in all sources that have it: a step in each, which takes a few comparisons where they are many. */
  advance(): number {
    const heap = this.#heap;
    const top = heap[0];
    if (top === undefined) return 0;
    const isAlone =
      (heap.length < 2 || heap[1]!.row !== top.row) && (heap.length < 3 || heap[2]!.row !== top.row);
    // As is most often so.
    if (isAlone) {
      this.#step(0);
      return 1;
    }
    const count = this.#findPlaces(top.row);
    // The lowest first: then what is below each of them is in order when it sinks.
    for (let at = count - 1; at >= 0; at -= 1) this.#step(this.#places[at]!);
    return count;
  }

  /** Those that have the current row are at the top, one below the other. Of twins (filter-stream.ts) all have the same first. */
  #findPlaces(row: number): number {
    const heap = this.#heap;
    const places = this.#places;
    places[0] = 0;
    let count = 1;
    for (let at = 0; at < count; at += 1) {
      const first = places[at]! * 2 + 1;
      const end = Math.min(first + 2, heap.length);
      for (let child = first; child < end; child += 1) {
        if (heap[child]!.row !== row) continue;
        places[count] = child;
        count += 1;
      }
    }
    return count;
  }

  #step(place: number): void {
    const source = this.#heap[place]!;
    source.advance();
    if (source.row < 0) {
      const last = this.#heap.pop()!;
      if (place === this.#heap.length) return;
      this.#heap[place] = last;
    }
    this.#sink(place);
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const source = heap[from]!;
    let at = from;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#rows.compare(heap[child + 1]!.row, heap[child]!.row) < 0)
        child += 1;
      if (this.#rows.compare(source.row, heap[child]!.row) <= 0) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = source;
  }
}
