import type { Clock } from '../lib/clock.js';
import { type NextTurn, turnOrder } from '../lib/turns/turn-order.js';

/** The work of one party, piece by piece. */
export type Lane = {
  /** Whether there is a piece of work to be done. */
  readonly isReady: boolean;
  /** Whether its party has used up its budget, so that its work waits behind that of others. */
  readonly isLate: boolean;
  /** Does the next piece, if there is one. `'goes-on'`: the piece goes on as soon as the caller has returned. */
  step(): 'done' | 'goes-on';
};

/**
 * Gives the work of clients its turns. A piece of it may cost milliseconds, so the lanes have theirs one after the
 * other, in slices of time between which the event loop does all else: a client that asks much delays itself, not the
 * others. Lanes that are late have theirs when no other is ready.
 */
export class TurnScheduler {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #sliceMs: number;
  readonly #onFault: (error: unknown) => void;
  readonly #nextTurn: NextTurn;
  /** In the order of their turns. */
  readonly #ready = new Set<Lane>();
  #scheduled = false;

  /** `onFault` is told what a lane threw; `nextTurn` runs a task in a later turn of the event loop. */
  constructor(
    clock: Pick<Clock, 'monotonic'>,
    sliceMs: number,
    onFault: (error: unknown) => void,
    nextTurn: NextTurn = turnOrder.of('clients'),
  ) {
    this.#clock = clock;
    this.#sliceMs = sliceMs;
    this.#onFault = onFault;
    this.#nextTurn = nextTurn;
  }

  /** Says that the lane is ready. */
  announce(lane: Lane): void {
    this.#ready.add(lane);
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#nextTurn(() => this.#slice());
  }

  /** Whether other lanes than this one have work to be done. */
  isWantedBesides(lane: Lane): boolean {
    return this.#ready.size > (this.#ready.has(lane) ? 1 : 0);
  }

  /** Forgets the lane. */
  remove(lane: Lane): void {
    this.#ready.delete(lane);
  }

  /** What one lane throws is its own: the others have their turns. */
  #step(lane: Lane): ReturnType<Lane['step']> {
    try {
      return lane.step();
    } catch (error) {
      this.#onFault(error);
      return 'done';
    }
  }

  #slice(): void {
    this.#scheduled = false;
    // One that is alone waits for nobody.
    const hasEarly = this.#ready.size > 1 && [...this.#ready].some(({ isLate }) => !isLate);
    const endMs = this.#clock.monotonic() + this.#sliceMs;
    for (const lane of this.#ready) {
      if (hasEarly && lane.isLate) continue;
      this.#ready.delete(lane);
      const outcome = this.#step(lane);
      // Added anew it comes last, so this loop visits it again after all others.
      if (lane.isReady) this.#ready.add(lane);
      if (outcome === 'goes-on' || this.#clock.monotonic() >= endMs) break;
    }
    const [waiting] = this.#ready;
    if (waiting !== undefined) this.announce(waiting);
  }
}
