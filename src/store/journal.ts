/** A record of the journal, as it was put. */
export type JournalEntry = { readonly name: string; readonly value: Uint8Array };

/**
 * Small records beside the events, in the same database, written in the same groups and as durable. They are few: all are
 * read at the start, and whoever put them keeps them in memory. A record that is damaged is left out.
 */
export type Journal = {
  /** Puts a record in the place of an earlier one of that name; settles when it is on disk, rejects with `StoreError`. */
  put(name: string, value: Uint8Array): Promise<void>;
  /** Removes a record; settles when that is on disk, rejects with `StoreError`. */
  delete(name: string): Promise<void>;
  /** All records that are on disk, by name. */
  entries(): AsyncIterable<JournalEntry>;
};

/** A journal that is gone with the process. */
export class MemoryJournal implements Journal {
  readonly #records = new Map<string, Uint8Array>();

  async put(name: string, value: Uint8Array): Promise<void> {
    this.#records.set(name, value);
  }

  async delete(name: string): Promise<void> {
    this.#records.delete(name);
  }

  async *entries(): AsyncIterable<JournalEntry> {
    for (const name of [...this.#records.keys()].sort()) yield { name, value: this.#records.get(name)! };
  }
}
