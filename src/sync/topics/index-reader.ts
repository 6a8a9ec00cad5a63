import { limits } from '../../config/limits.js';
import { onAbort } from '../../lib/abort.js';
import { Wakeup } from '../../lib/wakeup.js';
import type { Filter } from '../../nostr/filter.js';
import type { EventStore } from '../../store/event-store.js';

/** What is read: the ids of what matches, of very much the newest `idsMax`; `note` is told of each that is stored. */
export type Reading = {
  readonly filter: Filter;
  readonly idsMax: number;
  readonly note: (id: string) => void;
};

/** Reads from the index what refers to something: at once where that is little, else in later turns, one reading after the other. */
export class IndexReader {
  readonly #store: Pick<EventStore, 'ids' | 'idsInTurns' | 'has'>;
  /** What is more than may be read at once, by name. */
  readonly #unread = new Map<string, Reading>();
  readonly #toRead = new Wakeup();

  constructor(store: Pick<EventStore, 'ids' | 'idsInTurns' | 'has'>) {
    this.#store = store;
  }

  /** Has something read; what waits under a name to be read is read once. */
  read(name: string, reading: Reading): void {
    const ids = this.#store.ids(reading.filter, limits.syncReferringAtOnceMax);
    if (ids !== undefined) {
      for (const id of ids) reading.note(id);
      return;
    }
    this.#unread.set(name, reading);
    this.#toRead.notify();
  }

  /** Reads what was too much for one turn; rejects when the signal aborts. */
  async readOn(signal: AbortSignal): Promise<void> {
    using _ = onAbort(signal, () => this.#toRead.notify());
    for (;;) {
      signal.throwIfAborted();
      for (const [name, reading] of this.#unread) {
        this.#unread.delete(name);
        await this.#readInTurns(reading, signal);
      }
      await this.#toRead.wait();
    }
  }

  async #readInTurns({ filter, idsMax, note }: Reading, signal: AbortSignal): Promise<void> {
    let left = idsMax;
    for await (const ids of this.#store.idsInTurns(filter, limits.syncRootsPerTurnMax)) {
      signal.throwIfAborted();
      for (const id of ids.slice(0, left)) if (this.#store.has(id)) note(id);
      left -= ids.length;
      if (left <= 0) return;
    }
  }
}
