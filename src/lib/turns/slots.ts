import { type Endable, FairSlots, type HeldLimit } from './fair-slots.js';

/** A gate that lets a limited number of users in at once, first come, first served. */
export class Slots {
  #capacity: number;
  readonly #gate: FairSlots;

  constructor(capacity: number, held?: HeldLimit) {
    this.#capacity = capacity;
    this.#gate = new FairSlots(() => this.#capacity, held);
  }

  get inUse(): number {
    return this.#gate.inUse;
  }

  get waiting(): number {
    return this.#gate.waiting;
  }

  get capacity(): number {
    return this.#capacity;
  }

  /** Changes how many are let in; those who are inside stay. */
  resize(capacity: number): void {
    this.#capacity = Math.max(1, capacity);
    this.#gate.admit();
  }

  /** Runs `work` inside the gate. Rejects with the signal's reason when that aborts while waiting. */
  async use<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return await this.#gate.use(oneParty, signal, work);
  }

  /** Enters the gate; gives the way out, which works once. Rejects with the signal's reason when that aborts before. */
  async enter(signal: AbortSignal, endable?: Endable): Promise<() => void> {
    return await this.#gate.enter(oneParty, signal, endable);
  }
}

const oneParty = '';
