import { type RecordSetBuilder, recordBytes } from '../kernels/kernels.js';
import type { MatchRun } from './index/match-run.js';
import { keyWords } from './index/rows/key-words.js';
import type { RowTable } from './index/rows/row-table.js';
import type { VisitBudget } from './index/visit-budget.js';
import { type StoreTurns, spending } from './spending.js';

const rowsPerAppend = 4_096;

/** Appends (created_at, id) of rows to a builder, many at a time. */
export class RecordAppender {
  readonly #rows: RowTable;
  readonly #target: RecordSetBuilder;
  readonly #found = new Uint32Array(rowsPerAppend);
  #count = 0;

  constructor(rows: RowTable, target: RecordSetBuilder) {
    this.#rows = rows;
    this.#target = target;
  }

  /** Throws `KernelMemoryError`. */
  add(row: number): void {
    this.#found[this.#count] = row;
    this.#count += 1;
    if (this.#count === rowsPerAppend) this.flush();
  }

  /** Appends what waits; to be called before the index changes. Throws `KernelMemoryError`. */
  flush(): void {
    if (this.#count === 0) return;
    appendRecords(this.#rows, this.#found.subarray(0, this.#count), this.#target);
    this.#count = 0;
  }
}

/**
 * Appends all that a run finds, so many rows a turn, and takes further turns by `next`. Rejects as that does, and with
 * `KernelMemoryError`.
 */
export async function appendInTurns(
  run: MatchRun,
  appender: RecordAppender,
  { turns, rowsPerTurn }: StoreTurns,
  next: () => Promise<void>,
): Promise<void> {
  const appendSome = (budget: VisitBudget): boolean => {
    const isDone = run.next(budget, (row) => appender.add(row));
    appender.flush();
    return isDone;
  };
  while (!spending(turns, rowsPerTurn, appendSome)) await next();
}

function appendRecords(rows: RowTable, found: Uint32Array, target: RecordSetBuilder): void {
  const bytes = target.append(found.length);
  // Records are ten words each; a view that is not aligned to words is filled by way of a copy.
  const aligned = bytes.byteOffset % 4 === 0;
  const words = aligned
    ? new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
    : new Uint32Array(bytes.byteLength / 4);
  let at = 0;
  for (const row of found) {
    const createdAt = rows.createdAt(row);
    words[at] = createdAt % 2 ** 32;
    words[at + 1] = createdAt / 2 ** 32;
    const page = rows.keyPage(row);
    const offset = rows.keyOffset(row);
    for (let word = 0; word < keyWords; word += 1) words[at + 2 + word] = page[offset + word]!;
    at += recordBytes / 4;
  }
  if (!aligned) bytes.set(new Uint8Array(words.buffer));
}
