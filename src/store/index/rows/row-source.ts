import type { RowTable } from './row-table.js';

/** Rows in the order of `RowTable.compare`. Valid until the index changes; `row` is -1 at the end. */
export type RowSource = {
  readonly row: number;
  advance(): void;
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

  advance(): void {
    this.#at += 1;
    this.row = this.#rows[this.#at] ?? -1;
  }
}

/** Several sources as one, each row once: a binary heap of sources by their current row. */
export class MergedSource<T extends RowSource> implements RowSource {
  readonly #rows: RowTable;
  readonly #heap: T[];

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

  /** Goes past the current row in all sources. */
  advance(): void {
    const passed = this.row;
    while (this.#heap.length > 0 && this.#heap[0]!.row === passed) {
      this.#heap[0]!.advance();
      if (this.#heap[0]!.row < 0) {
        const last = this.#heap.pop()!;
        if (this.#heap.length === 0) return;
        this.#heap[0] = last;
      }
      this.#sink(0);
    }
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
