import { unlessAborted } from '../lib/abort.js';

/** One value that is kept or being made; its bytes count when it is here. */
type Entry<T> = {
  readonly made: Promise<T>;
  /** Aborts when all who waited for it have gone. */
  readonly abandoned: AbortController;
  isMade: boolean;
  /** How many wait for it. */
  waiting: number;
  bytes: number;
};

export type KeptLimits<T> = {
  readonly bytesMax: number;
  readonly entriesMax: number;
  /** About what a value takes. */
  bytesOf(value: T): number;
};

/**
 * Values that cost something to make, kept until they are forgotten or, above a limit, until they are those that were asked
 * for least recently. Who asks while a value is being made waits for that one; when all of these have gone, so has it.
 */
export class Kept<T> {
  readonly #limits: KeptLimits<T>;
  /** Those asked for last come last. */
  readonly #entries = new Map<string, Entry<T>>();
  #bytes = 0;
  #made = 0;

  constructor(limits: KeptLimits<T>) {
    this.#limits = limits;
  }

  /** Bytes of all that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many were made since the start. */
  get made(): number {
    return this.#made;
  }

  /**
   * The value for the key. Rejects with what `make` rejects with, for all who wait for it; then it is made anew. Rejects with
   * the reason of the signal when that aborts before; the signal of `make` aborts when those of all who wait for it have.
   */
  async get(key: string, signal: AbortSignal, make: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const entry = this.#entries.get(key) ?? this.#begin(key, make);
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    entry.waiting += 1;
    try {
      return await unlessAborted(entry.made, signal);
    } finally {
      entry.waiting -= 1;
      if (!entry.isMade && entry.waiting === 0) {
        entry.abandoned.abort();
        this.#forgetEntry(key, entry);
      }
    }
  }

  forget(key: string): void {
    this.#bytes -= this.#entries.get(key)?.bytes ?? 0;
    this.#entries.delete(key);
  }

  #begin(key: string, make: (signal: AbortSignal) => Promise<T>): Entry<T> {
    this.#made += 1;
    const abandoned = new AbortController();
    const entry = { made: make(abandoned.signal), abandoned, isMade: false, waiting: 0, bytes: 0 };
    entry.made.then(
      (value) => {
        entry.isMade = true;
        // What was forgotten while it was made is given to those who asked before, and to nobody else.
        if (this.#entries.get(key) === entry) this.#count(entry, this.#limits.bytesOf(value));
      },
      () => this.#forgetEntry(key, entry),
    );
    return entry;
  }

  #forgetEntry(key: string, entry: Entry<T>): void {
    if (this.#entries.get(key) === entry) this.forget(key);
  }

  #count(entry: Entry<T>, bytes: number): void {
    entry.bytes = bytes;
    this.#bytes += bytes;
    for (const key of this.#entries.keys()) {
      if (this.#bytes <= this.#limits.bytesMax && this.#entries.size <= this.#limits.entriesMax) return;
      this.forget(key);
    }
  }
}
