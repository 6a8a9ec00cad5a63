import { randomBytes } from 'node:crypto';
import { eventJson } from '../nostr/event.js';
import { type Backend, type BodyFault, LazyEvent, type NewEvent } from './backend.js';
import type { StoredEvent } from './event-store.js';
import { EventIndex } from './index/event-index.js';
import type { RowTable } from './index/rows/row-table.js';
import type { TermList } from './index/terms.js';
import { MemoryJournal } from './journal.js';
import { assembleStore, type OpenedStore, type StoreOptions } from './opened-store.js';
import { Reasons } from './refused/reasons.js';

/** Everything in memory, gone with the process: for tests, demonstrations and the `memory` backend. */
export function createMemoryStore(options: StoreOptions): OpenedStore {
  const index = new EventIndex(randomBytes(8));
  const backend = new MemoryBackend(index.rows);
  return assembleStore({ index, backend, reasons: new Reasons(), clock: options.clock }, options);
}

class MemoryBackend implements Backend {
  readonly #rows: RowTable;
  readonly #bodies = new Map<number, LazyEvent>();

  constructor(rows: RowTable) {
    this.#rows = rows;
  }

  readonly journal = new MemoryJournal();
  readonly pendingEvents = 0;
  readonly logRecords = 0;
  readonly isStopped = false;

  check(): void {}

  added(row: number, _terms: TermList, _time: number, stored: NewEvent | undefined): void {
    if (stored === undefined) return;
    const sequence = this.#rows.sequence(row);
    this.#bodies.set(sequence, new LazyEvent(sequence, stored.event, eventJson));
  }

  changed(row: number, _time: number, hadBody: boolean): void {
    if (hadBody) this.#bodies.delete(this.#rows.sequence(row));
  }

  async written(): Promise<void> {}

  async writtenRow(): Promise<void> {}

  unwritten(): undefined {}

  async read(sequences: readonly number[]): Promise<(StoredEvent | BodyFault)[]> {
    return sequences.map((sequence) => this.#bodies.get(sequence) ?? 'missing');
  }

  async close(): Promise<void> {
    this.#bodies.clear();
  }
}
