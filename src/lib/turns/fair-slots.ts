import { type Deferred, deferred, onAbort } from '../abort.js';
import type { CancelTimer, Clock } from '../clock.js';

/** When places are held for too long: no other has come in for so long, in milliseconds, while somebody waited. */
export type HeldLimit = { readonly clock: Pick<Clock, 'after'>; readonly msMax: number };

/** Somebody inside who can be ended, where places are held for too long. */
export type Endable = {
  /** Who has most is ended, and of several alike who has been inside for longest; with 0, nobody is. */
  readonly weight: () => number;
  /** Called at most once: the way out is to be taken soon. */
  readonly end: () => void;
};

/**
 * A gate that lets a limited number of users in at once, one party after the other: who comes with many waits for its own,
 * and others come to their turn as if each of them came with one. Where places are held for too long, one user is ended, and
 * after that time again one.
 */
export class FairSlots {
  readonly #capacity: () => number;
  readonly #held: HeldLimit | undefined;
  readonly #insideOf: (party: string) => number;
  #inUse = 0;
  #waiting = 0;
  /** By party, those of it that wait, first come first; the party whose turn is next comes first. */
  readonly #waiters = new Map<string, Deferred<void>[]>();
  /** Who has been inside for longest comes first. */
  readonly #endable = new Set<Endable>();
  #cancelLook: CancelTimer = () => {};

  /**
   * `capacity` is asked for at each use, where it is no number: a new one holds from the next that enters or leaves. `insideOf`:
   * how many places a party has, where those that have fewer come before those that have more.
   */
  constructor(
    capacity: number | (() => number),
    held?: HeldLimit,
    insideOf: (party: string) => number = () => 0,
  ) {
    this.#capacity = typeof capacity === 'number' ? () => capacity : capacity;
    this.#held = held;
    this.#insideOf = insideOf;
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
  async use<T>(party: string, signal: AbortSignal, work: () => Promise<T>, endable?: Endable): Promise<T> {
    const leave = await this.enter(party, signal, endable);
    try {
      return await work();
    } finally {
      leave();
    }
  }

  /** Enters the gate; gives the way out, which works once. Rejects with the signal's reason when that aborts before. */
  async enter(party: string, signal: AbortSignal, endable?: Endable): Promise<() => void> {
    signal.throwIfAborted();
    const leave = this.tryEnter(endable);
    if (leave !== undefined) return leave;
    await this.#turn(party, signal);
    return this.#wayOut(endable);
  }

  /** Enters the gate where there is room: gives the way out, `undefined` where one would have to wait. */
  tryEnter(endable?: Endable): (() => void) | undefined {
    this.admit();
    if (this.#inUse >= this.capacity) return undefined;
    this.#inUse += 1;
    return this.#wayOut(endable);
  }

  #wayOut(endable: Endable | undefined): () => void {
    if (endable !== undefined) this.#endable.add(endable);
    let isInside = true;
    return () => {
      if (!isInside) return;
      isInside = false;
      if (endable !== undefined) this.#endable.delete(endable);
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
    if (this.#waiting === 1) this.#lookLater();
    using _ = onAbort(signal, (reason) => {
      const waiters = this.#waiters.get(party) ?? [];
      const place = waiters.indexOf(turn);
      if (place < 0) return; // Let in already: the caller's work sees the signal itself.
      waiters.splice(place, 1);
      if (waiters.length === 0) this.#waiters.delete(party);
      this.#waiting -= 1;
      if (this.#waiting === 0) this.#cancelLook();
      turn.reject(reason);
    });
    await turn.promise;
  }

  /** Lets in those who wait for whom there is room, as after the capacity has grown. */
  admit(): void {
    const waiting = this.#waiting;
    while (this.#inUse < this.capacity && this.#waiting > 0) this.#admitNext();
    if (this.#waiting < waiting) this.#lookLater();
  }

  /** Looks when nobody has come in for too long from now on. */
  #lookLater(): void {
    this.#cancelLook();
    if (this.#held === undefined || this.#waiting === 0) return;
    this.#cancelLook = this.#held.clock.after(this.#held.msMax, () => {
      this.#endOne();
      this.#lookLater();
    });
  }

  #endOne(): void {
    let most = 0;
    let chosen: Endable | undefined;
    for (const endable of this.#endable) {
      const weight = endable.weight();
      if (weight <= most) continue;
      most = weight;
      chosen = endable;
    }
    if (chosen === undefined) return;
    this.#endable.delete(chosen);
    chosen.end();
  }

  /** Lets in the first of the party whose turn it is; what else that has waits behind all other parties. */
  #admitNext(): void {
    const party = this.#nextParty();
    const waiters = party === undefined ? undefined : this.#waiters.get(party);
    if (party === undefined || waiters === undefined) return;
    const first = waiters.shift();
    this.#waiters.delete(party);
    if (waiters.length > 0) this.#waiters.set(party, waiters);
    this.#waiting -= 1;
    this.#inUse += 1;
    first?.resolve();
  }

  /** The first of those that have the fewest places. */
  #nextParty(): string | undefined {
    let next: string | undefined;
    let fewest = Number.POSITIVE_INFINITY;
    for (const party of this.#waiters.keys()) {
      const inside = this.#insideOf(party);
      if (inside >= fewest) continue;
      fewest = inside;
      next = party;
      if (fewest === 0) break;
    }
    return next;
  }
}
