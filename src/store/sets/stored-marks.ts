import type { EventIndex } from '../index/event-index.js';
import { rowState } from '../index/rows/row-table.js';

/**
 * Tells stored events that were marked from the others, by a bit for each row of the index. A row may be given to another
 * event, which passes for marked then: whoever puts events meanwhile marks each.
 */
export class StoredMarks {
  readonly #index: EventIndex;
  #bits: Uint8Array;

  constructor(index: EventIndex) {
    this.#index = index;
    this.#bits = new Uint8Array(index.rows.end / 8 + 1);
  }

  /** Marks an event if it is stored, and says whether it is. */
  mark(id: string): boolean {
    const row = this.#index.findStored(id);
    if (row < 0) return false;
    const at = row >>> 3;
    if (at >= this.#bits.length) this.#grow(at);
    this.#bits[at]! |= 1 << (row & 7);
    return true;
  }

  /** The ids of the stored events that are not marked, from the index in one go. */
  unmarked(): string[] {
    const { rows } = this.#index;
    const ids: string[] = [];
    for (let row = 0; row < rows.end; row += 1)
      if (rows.state(row) === rowState.stored && !this.#has(row)) ids.push(rows.idHex(row));
    return ids;
  }

  #has(row: number): boolean {
    return (((this.#bits[row >>> 3] ?? 0) >> (row & 7)) & 1) === 1;
  }

  #grow(at: number): void {
    const grown = new Uint8Array(2 * at + 1);
    grown.set(this.#bits);
    this.#bits = grown;
  }
}
