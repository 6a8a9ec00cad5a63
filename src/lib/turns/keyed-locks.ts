import { Slots } from './slots.js';

/** One lock for each key, such as an identifier: who works under it is alone there, first come, first served. */
export class KeyedLocks {
  readonly #slots = new Map<string, Slots>();

  /** Runs `work` under the lock of that key. Rejects with the signal's reason when that aborts while waiting. */
  async use<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const slots = this.#slots.get(key) ?? new Slots(1);
    this.#slots.set(key, slots);
    try {
      return await slots.use(signal, work);
    } finally {
      if (slots.inUse === 0 && slots.waiting === 0 && this.#slots.get(key) === slots) this.#slots.delete(key);
    }
  }

  /** Keys that are locked. */
  get size(): number {
    return this.#slots.size;
  }
}
