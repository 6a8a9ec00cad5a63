import type { RowSet } from './rows/row-set.js';
import { type RowColumns, type RowTable, rowState, rowsPerPage } from './rows/row-table.js';

/** Most rows of one step, so that what is left of them stays in the nearest cache from condition to condition. */
const stepRowsMax = 4_096;

const pageMask = rowsPerPage - 1;
const kindCount = 65_536;
const allKinds = new Uint8Array(kindCount).fill(1);

/** What the columns alone tell of a row; a condition that is absent lets all pass. */
export type ColumnConditions = {
  readonly wantsStored: boolean;
  readonly kinds: ReadonlySet<number> | undefined;
  /** By number. */
  readonly authors: ReadonlySet<number> | undefined;
  /** Both in seconds since 1970, and both inclusive. */
  readonly since: number | undefined;
  readonly until: number | undefined;
};

/**
 * Reads the columns from end to end, or of a set of rows only, and finds the rows that match, in the order of their
 * numbers. Each step is one loop within a page, without a call for each row. The index may change between two steps: a
 * row is judged when it is come by.
 */
export class ColumnScan {
  /** The first `foundCount` are what the last step found. */
  readonly found: Uint32Array;
  foundCount = 0;
  readonly #rows: RowTable;
  readonly #end: number;
  readonly #candidates: RowSet | undefined;
  readonly #states: Uint8Array;
  readonly #kinds: Uint8Array;
  readonly #authors: ReadonlySet<number> | undefined;
  readonly #since: number;
  readonly #until: number;
  #next = 0;

  /** Over all rows below the present end, or over `candidates`, which are below it. */
  constructor(rows: RowTable, conditions: ColumnConditions, candidates?: RowSet) {
    const { wantsStored, kinds, authors, since, until } = conditions;
    this.#rows = rows;
    this.#end = rows.end;
    this.found = new Uint32Array(Math.min(rows.end, stepRowsMax));
    this.#candidates = candidates;
    this.#states = stateTable(wantsStored);
    this.#kinds = kinds === undefined ? allKinds : kindTable(kinds);
    this.#authors = authors;
    this.#since = since ?? 0;
    this.#until = until ?? Number.POSITIVE_INFINITY;
    this.#skip();
  }

  get isDone(): boolean {
    return this.#next >= this.#end;
  }

  /** What it takes in memory. */
  get bytes(): number {
    const kindBytes = this.#kinds === allKinds ? 0 : this.#kinds.byteLength;
    return this.found.byteLength + kindBytes + (this.#candidates?.bytes ?? 0);
  }

  /** Looks at some further rows, at least one and at most `rowsMax`, and gives their number. Not when done. */
  step(rowsMax: number): number {
    const from = this.#next;
    const to = Math.min(this.#end, (from | pageMask) + 1, from + Math.min(Math.max(1, rowsMax), stepRowsMax));
    const columns = this.#rows.columnsOf(from);
    const { found } = this;
    const looked = list(this.#candidates, from, to, found);
    let count = this.#keep(columns, looked);
    if (this.#authors !== undefined) count = keepAuthors(columns.author, this.#authors, found, count);
    this.foundCount = count;
    this.#next = to;
    this.#skip();
    return looked;
  }

  /**
   * Moves what passes of the first `count` rows to the front and gives how many that are. Every row is written, and the
   * place moves on only behind one that passes: there is no branch that the processor could guess wrongly.
   */
  #keep({ state, kind, createdAt }: RowColumns, count: number): number {
    const { found } = this;
    const states = this.#states;
    const kinds = this.#kinds;
    const since = this.#since;
    const until = this.#until;
    let kept = 0;
    for (let position = 0; position < count; position += 1) {
      const row = found[position]!;
      const at = row & pageMask;
      const time = createdAt[at]!;
      found[kept] = row;
      kept += states[state[at]!]! & kinds[kind[at]!]! & Number(time >= since) & Number(time <= until);
    }
    return kept;
  }

  /** Goes on to the next candidate. */
  #skip(): void {
    if (this.#candidates === undefined || this.isDone) return;
    const row = this.#candidates.from(this.#next);
    this.#next = row < 0 ? this.#end : row;
  }
}

/** A byte for each state, 1 for those asked for. */
function stateTable(wantsStored: boolean): Uint8Array {
  const table = new Uint8Array(256);
  return wantsStored
    ? table.fill(1, rowState.stored, rowState.stored + 1)
    : table.fill(1, rowState.refusedFirst);
}

/** Likewise for each kind. */
function kindTable(kinds: ReadonlySet<number>): Uint8Array {
  const table = new Uint8Array(kindCount);
  for (const kind of kinds) table[kind] = 1;
  return table;
}

/** Puts the candidates in `[from, to)` into `found`; without candidates, all rows. */
function list(candidates: RowSet | undefined, from: number, to: number, found: Uint32Array): number {
  if (candidates === undefined) {
    for (let row = from; row < to; row += 1) found[row - from] = row;
    return to - from;
  }
  let count = 0;
  for (let row = candidates.from(from); row >= 0 && row < to; row = candidates.from(row + 1)) {
    found[count] = row;
    count += 1;
  }
  return count;
}

/** Keeps those by one of the authors, as `#keep` does. */
function keepAuthors(
  column: RowColumns['author'],
  authors: ReadonlySet<number>,
  found: Uint32Array,
  count: number,
): number {
  let kept = 0;
  for (let at = 0; at < count; at += 1) {
    const row = found[at]!;
    found[kept] = row;
    kept += Number(authors.has(column[row & pageMask]!));
  }
  return kept;
}
