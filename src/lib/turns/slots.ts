import { type Deferred, deferred, onAbort } from '../abort.js';

/** A gate that lets a limited number of users in at once, first come, first served. */
export class Slots {
  #capacity: number;
  #inUse = 0;
  readonly #waiters: Deferred<void>[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get inUse(): number {
    return this.#inUse;
  }

  get waiting(): number {
    return this.#waiters.length;
  }

  get capacity(): number {
    return this.#capacity;
  }

  /** Changes how many are let in; those who are inside stay. */
  resize(capacity: number): void {
    this.#capacity = Math.max(1, capacity);
    this.#admit();
  }

  /** Runs `work` inside the gate. Rejects with the signal's reason when that aborts while waiting. */
  async use<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const leave = await this.enter(signal);
    try {
      return await work();
    } finally {
      leave();
    }
  }

  /** Enters the gate; gives the way out, which works once. Rejects with the signal's reason when that aborts before. */
  async enter(signal: AbortSignal): Promise<() => void> {
    await this.#enter(signal);
    let isInside = true;
    return () => {
      if (!isInside) return;
      isInside = false;
      this.#inUse -= 1;
      this.#admit();
    };
  }

  async #enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#inUse < this.#capacity && this.#waiters.length === 0) {
      this.#inUse += 1;
      return;
    }
    const turn = deferred<void>();
    this.#waiters.push(turn);
    using _ = onAbort(signal, (reason) => {
      const place = this.#waiters.indexOf(turn);
      if (place < 0) return; // Let in already: the caller's work sees the signal itself.
      this.#waiters.splice(place, 1);
      turn.reject(reason);
    });
    await turn.promise;
  }

  #admit(): void {
    while (this.#inUse < this.#capacity) {
      const turn = this.#waiters.shift();
      if (turn === undefined) return;
      this.#inUse += 1;
      turn.resolve();
    }
  }
}
