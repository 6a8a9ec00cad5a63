import type { Clock } from '../clock.js';
import { type NextTurn, turnOrder } from './turn-order.js';

/** How long work that can wait may take of one turn of the event loop, in milliseconds. */
export type SliceLimits = {
  /** What a turn should take, with all that is done in it. */
  readonly turnMs: number;
  /** The least and the most that a slice takes. */
  readonly sliceMsMin: number;
  readonly sliceMsMax: number;
};

/**
 * The time that work which can wait takes of each turn of the event loop: one slice for all of it together, so that
 * clients find the loop free a few milliseconds after they ask, however many sorts of such work there are. Whoever does
 * such work asks `isOver` before each piece and waits for `next` when it is. The slice shrinks as far as everything
 * else makes turns longer than they should be: the work slows itself down while clients keep the loop busy.
 */
export class TurnSlices {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #limits: SliceLimits;
  readonly #nextTurn: NextTurn;
  readonly #waiting: (() => void)[] = [];
  #sliceMs: number;
  #beganAtMs = 0;
  /** When somebody last asked: until then the slice was worked in. */
  #askedAtMs = 0;
  #isRunning = false;
  /** Whether the slice before began in the turn before, so that the time between them is one turn. */
  #follows = false;

  /** `nextTurn` runs a task in a later turn of the event loop. */
  constructor(
    clock: Pick<Clock, 'monotonic'>,
    limits: SliceLimits,
    nextTurn: NextTurn = turnOrder.of('catch-up'),
  ) {
    this.#clock = clock;
    this.#limits = limits;
    this.#nextTurn = nextTurn;
    this.#sliceMs = limits.sliceMsMax;
  }

  /** Whether the slice of the running turn is used up. */
  get isOver(): boolean {
    if (!this.#isRunning) {
      this.#begin(this.#clock.monotonic());
      return false;
    }
    this.#askedAtMs = this.#clock.monotonic();
    return this.#askedAtMs - this.#beganAtMs >= this.#sliceMs;
  }

  /** Settles in a later turn at the beginning of its slice: first come, first served, one a turn. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (!this.#isRunning) this.#begin(this.#clock.monotonic());
    });
  }

  #begin(nowMs: number): void {
    this.#beganAtMs = nowMs;
    this.#askedAtMs = nowMs;
    this.#isRunning = true;
    this.#nextTurn(() => this.#turn());
  }

  #turn(): void {
    this.#isRunning = false;
    const next = this.#waiting.shift();
    if (next === undefined) {
      this.#follows = false;
      return;
    }
    const nowMs = this.#clock.monotonic();
    if (this.#follows) this.#fit(nowMs);
    this.#follows = true;
    this.#begin(nowMs);
    next();
  }

  /** Leaves as much of the next turn as everything else took of the last one. */
  #fit(nowMs: number): void {
    const { turnMs, sliceMsMin, sliceMsMax } = this.#limits;
    const othersMs = nowMs - this.#askedAtMs;
    this.#sliceMs = Math.min(sliceMsMax, Math.max(sliceMsMin, turnMs - othersMs));
  }
}
