/** One value that is kept or being made; its bytes count when it is here. */
type Entry<T> = { readonly made: Promise<T>; bytes: number };

export type KeptLimits<T> = {
  readonly bytesMax: number;
  readonly entriesMax: number;
  /** About what a value takes. */
  bytesOf(value: T): number;
};

/**
 * Values that cost something to make, kept until they are forgotten or, above a limit, until they are those that were asked
 * for least recently. Who asks while a value is being made waits for that one.
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

  /** The value for the key. Rejects with what `make` rejects with, for all who wait for it; then it is made anew. */
  async get(key: string, make: () => Promise<T>): Promise<T> {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, known);
      return await known.made;
    }
    this.#made += 1;
    const entry: Entry<T> = { made: make(), bytes: 0 };
    this.#entries.set(key, entry);
    try {
      const value = await entry.made;
      // What was forgotten while it was made is given to those who asked before, and to nobody else.
      if (this.#entries.get(key) === entry) this.#count(entry, this.#limits.bytesOf(value));
      return value;
    } catch (error) {
      if (this.#entries.get(key) === entry) this.forget(key);
      throw error;
    }
  }

  forget(key: string): void {
    this.#bytes -= this.#entries.get(key)?.bytes ?? 0;
    this.#entries.delete(key);
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
