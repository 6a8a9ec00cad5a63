import { type Deferred, deferred, onAbort } from '../abort.js';

/**
 * A gate that lets a limited number of users in at once, one party after the other: who comes with many waits for its own,
 * and others come to their turn as if each of them came with one.
 */
export class FairSlots {
  readonly #capacity: () => number;
  #inUse = 0;
  #waiting = 0;
  /** By party, those of it that wait, first come first; the party whose turn is next comes first. */
  readonly #waiters = new Map<string, Deferred<void>[]>();

  /** `capacity` is asked for at each use, where it is no number: a new one holds from the next that enters or leaves. */
  constructor(capacity: number | (() => number)) {
    this.#capacity = typeof capacity === 'number' ? () => capacity : capacity;
  }

  get capacity(): number {
    return this.#capacity();
  }

  get inUse(): number {
    return this.#inUse;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Those of one party that wait. */
  waitingOf(party: string): number {
    return this.#waiters.get(party)?.length ?? 0;
  }

  /** Runs `work` inside the gate. Rejects with the signal's reason when that aborts while waiting. */
  async use<T>(party: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const leave = await this.enter(party, signal);
    try {
      return await work();
    } finally {
      leave();
    }
  }

  /** Enters the gate; gives the way out, which works once. Rejects with the signal's reason when that aborts before. */
  async enter(party: string, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    this.admit();
    if (this.#inUse < this.capacity) this.#inUse += 1;
    else await this.#turn(party, signal);
    let isInside = true;
    return () => {
      if (!isInside) return;
      isInside = false;
      this.#inUse -= 1;
      this.admit();
    };
  }

  async #turn(party: string, signal: AbortSignal): Promise<void> {
    const turn = deferred<void>();
    const others = this.#waiters.get(party);
    if (others === undefined) this.#waiters.set(party, [turn]);
    else others.push(turn);
    this.#waiting += 1;
    using _ = onAbort(signal, (reason) => {
      const waiters = this.#waiters.get(party) ?? [];
      const place = waiters.indexOf(turn);
      if (place < 0) return; // Let in already: the caller's work sees the signal itself.
      waiters.splice(place, 1);
      if (waiters.length === 0) this.#waiters.delete(party);
      this.#waiting -= 1;
      turn.reject(reason);
    });
    await turn.promise;
  }

  /** Lets in those who wait for whom there is room, as after the capacity has grown. */
  admit(): void {
    while (this.#inUse < this.capacity && this.#waiting > 0) this.#admitNext();
  }

  /** Lets in the first of the party whose turn it is; what else that has waits behind all other parties. */
  #admitNext(): void {
    const [next] = this.#waiters;
    if (next === undefined) return;
    const [party, waiters] = next;
    const first = waiters.shift();
    this.#waiters.delete(party);
    if (waiters.length > 0) this.#waiters.set(party, waiters);
    this.#waiting -= 1;
    this.#inUse += 1;
    first?.resolve();
  }
}
