import type { Clock } from '../lib/clock.js';

/** A queue of requests of one client. */
export type Lane = {
  /** Starts the next request, if there is one that may start; whether another may start after it. */
  startNext(): boolean;
};

/**
 * Gives the clients' requests their turns. A request may cost milliseconds before it first waits, so they are
 * started one of each client after the other, in slices of time between which the event loop does all else: a
 * client that asks much delays itself, not the others.
 */
export class TurnScheduler {
  readonly #clock: Clock;
  readonly #sliceMs: number;
  readonly #nextTurn: (task: () => void) => void;
  /** In the order of their turns. */
  readonly #ready = new Set<Lane>();
  #scheduled = false;

  /** `nextTurn` runs a task in a later turn of the event loop. */
  constructor(clock: Clock, sliceMs: number, nextTurn: (task: () => void) => void = setImmediate) {
    this.#clock = clock;
    this.#sliceMs = sliceMs;
    this.#nextTurn = nextTurn;
  }

  /** Says that a request of the lane may start. */
  announce(lane: Lane): void {
    this.#ready.add(lane);
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#nextTurn(() => this.#slice());
  }

  /** Forgets the lane. */
  remove(lane: Lane): void {
    this.#ready.delete(lane);
  }

  #slice(): void {
    this.#scheduled = false;
    const endMs = this.#clock.monotonic() + this.#sliceMs;
    for (const lane of this.#ready) {
      this.#ready.delete(lane);
      // Added anew it comes last, so this loop visits it again after all others.
      if (lane.startNext()) this.#ready.add(lane);
      if (this.#clock.monotonic() >= endMs) break;
    }
    const [waiting] = this.#ready;
    if (waiting !== undefined) this.announce(waiting);
  }
}
