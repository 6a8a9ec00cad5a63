import { onAbort } from '../abort.js';
import { Slots } from './slots.js';

type Lock = {
  readonly slots: Slots;
  /** Aborted when somebody waits while the one who is inside gives way. */
  yielding: AbortController | undefined;
};

/** One lock for each key, such as an identifier: who works under it is alone there, first come, first served. */
export class KeyedLocks {
  readonly #locks = new Map<string, Lock>();

  /** Runs `work` under the lock of that key. Rejects with the signal's reason when that aborts while waiting. */
  async use<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const lock = this.#lockOf(key);
    lock.yielding?.abort();
    return await this.#enter(key, lock, signal, work);
  }

  /** The same where nobody has the lock or waits for it; does nothing otherwise. So nobody waits for one with another in hand. */
  async useIfFree<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T | 'busy'> {
    return this.#locks.has(key) ? 'busy' : await this.use(key, signal, work);
  }

  /**
   * As `use`, for work that gives way: the signal that it gets aborts as soon as somebody else waits for the lock, and when
   * the caller's own does.
   */
  async useYielding<T>(
    key: string,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const lock = this.#lockOf(key);
    return await this.#enter(key, lock, signal, async () => {
      const yielding = new AbortController();
      lock.yielding = yielding;
      if (lock.slots.waiting > 0) yielding.abort();
      using _ = onAbort(signal, (reason) => yielding.abort(reason));
      try {
        return await work(yielding.signal);
      } finally {
        lock.yielding = undefined;
      }
    });
  }

  /** Keys that are locked. */
  get size(): number {
    return this.#locks.size;
  }

  #lockOf(key: string): Lock {
    const lock = this.#locks.get(key) ?? { slots: new Slots(1), yielding: undefined };
    this.#locks.set(key, lock);
    return lock;
  }

  async #enter<T>(key: string, lock: Lock, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const { slots } = lock;
    try {
      return await slots.use(signal, work);
    } finally {
      if (slots.inUse === 0 && slots.waiting === 0 && this.#locks.get(key) === lock) this.#locks.delete(key);
    }
  }
}
