import type { Clock } from '../clock.js';
import { type Grouped, PartyQueue } from './party-queue.js';
import type { NextTurn } from './turn-order.js';

/**
 * Turns of the event loop for long work. Work is counted in units: one is what it takes to look at one row of the index,
 * a tenth of a microsecond or so.
 */
export type WorkTurns = {
  /** Whether so much was done in this turn that the rest should wait for the `next`. */
  readonly isOver: boolean;
  /** Settles when the work may go on. Rejects with the signal's reason, and when whoever it is for is gone. */
  next(signal?: AbortSignal): Promise<void>;
  /** Puts work that was done on the account of whoever it is for. */
  spend(units: number): void;
};

/** The work of one client or the like, piece by piece. Those of one group have the turns of one. */
export type Runnable = Grouped & {
  /** Whether there is a piece of work to be done. */
  readonly isReady: boolean;
  /** Whether whoever it is for has used up its budget, so that its work waits behind that of others. */
  readonly isOverBudget: boolean;
  /** Does the next piece, if there is one. `'goes-on'`: the piece goes on as soon as the caller has returned. */
  step(): 'done' | 'goes-on';
};

/** How long work of one priority may take of one turn of the event loop, in milliseconds. */
export type SliceLimits = {
  /** What a turn should take, with all that is done in it. */
  readonly turnMs: number;
  /** The least and the most that a slice takes. */
  readonly sliceMsMin: number;
  readonly sliceMsMax: number;
};

/** A slice that is the same in every turn. */
export const fixedSlice = (ms: number): SliceLimits => ({ turnMs: ms, sliceMsMin: ms, sliceMsMax: ms });

/**
 * Gives all work of one priority its slice of each turn of the event loop, so that whatever goes before it finds the loop
 * free a few milliseconds later. Work comes in two forms. A `Runnable` is called: those that are ready do a piece each,
 * one of each group after the other, so that a client that asks much delays itself and not the others, and an address from
 * which many ask delays those; those over their budget wait until no other is ready. An asynchronous function asks `isOver` before each piece and waits for `next` when it is:
 * first come, first served, one a turn.
 *
 * The slice shrinks as far as everything else makes turns longer than they should be: the work slows itself down while
 * others keep the loop busy.
 */
export class TurnScheduler implements WorkTurns {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #limits: SliceLimits;
  readonly #nextTurn: NextTurn;
  readonly #onFault: (error: unknown) => void;
  /** In the order of their turns. */
  readonly #ready = new PartyQueue<Runnable>();
  #sliceMs: number;
  #beganAtMs = 0;
  /** When somebody last asked: until then the slice was worked in. */
  #askedAtMs = 0;
  /** Whether a slice is running, and with it the next turn asked for. */
  #isRunning = false;
  /** Whether the slice before began in the turn before, so that the time between them is one turn. */
  #follows = false;

  /** `nextTurn` runs a task in a later turn of the event loop; `onFault` is told what a runnable threw. */
  constructor(
    clock: Pick<Clock, 'monotonic'>,
    limits: SliceLimits,
    nextTurn: NextTurn,
    onFault: (error: unknown) => void = rethrow,
  ) {
    this.#clock = clock;
    this.#limits = limits;
    this.#nextTurn = nextTurn;
    this.#onFault = onFault;
    this.#sliceMs = limits.sliceMsMax;
  }

  /** Whether the slice of the running turn is used up. */
  get isOver(): boolean {
    this.#run();
    this.#askedAtMs = this.#clock.monotonic();
    return this.#askedAtMs - this.#beganAtMs >= this.#sliceMs;
  }

  /** Settles in a later turn at the beginning of its slice. Rejects with the signal's reason. */
  async next(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    await new Promise<void>((resolve) => this.schedule(continuation(resolve)));
    signal?.throwIfAborted();
  }

  /** Nobody is charged for it. */
  spend(_units: number): void {}

  /** Says that the work is ready. */
  schedule(work: Runnable): void {
    this.#ready.add(work);
    this.#run();
  }

  /** Whether others than this one have work to be done. */
  isWantedBesides(work: Runnable): boolean {
    return this.#ready.size > (this.#ready.has(work) ? 1 : 0);
  }

  /** Forgets the work. */
  remove(work: Runnable): void {
    this.#ready.delete(work);
  }

  #run(): void {
    if (this.#isRunning) return;
    this.#follows = false;
    this.#begin();
  }

  #begin(): void {
    this.#isRunning = true;
    this.#beganAtMs = this.#clock.monotonic();
    this.#askedAtMs = this.#beganAtMs;
    this.#nextTurn(() => this.#turn());
  }

  #turn(): void {
    const nowMs = this.#clock.monotonic();
    if (this.#follows) this.#fit(nowMs);
    this.#follows = true;
    this.#beganAtMs = nowMs;
    this.#askedAtMs = nowMs;
    let goesOn = false;
    try {
      goesOn = this.#work();
    } finally {
      this.#isRunning = goesOn || this.#ready.size > 0;
      if (this.#isRunning) this.#nextTurn(() => this.#turn());
    }
  }

  /** Leaves as much of the next turn as everything else took of the last one. */
  #fit(nowMs: number): void {
    const { turnMs, sliceMsMin, sliceMsMax } = this.#limits;
    const othersMs = nowMs - this.#askedAtMs;
    this.#sliceMs = Math.min(sliceMsMax, Math.max(sliceMsMin, turnMs - othersMs));
  }

  /** Works until the slice is over; whether the last piece goes on behind it. */
  #work(): boolean {
    // One that is alone waits for nobody.
    const budgetsCount = this.#ready.size > 1 && this.#ready.some(({ isOverBudget }) => !isOverBudget);
    for (const work of this.#ready.taken(({ isOverBudget }) => !budgetsCount || !isOverBudget)) {
      const outcome = this.#step(work);
      // Added anew it comes last of its group, so this loop visits it again after all others of that.
      if (work.isReady) this.#ready.add(work);
      if (outcome === 'goes-on') return true;
      if (this.isOver) break;
    }
    return false;
  }

  /** What one throws is its own: the others have their turns. */
  #step(work: Runnable): ReturnType<Runnable['step']> {
    try {
      return work.step();
    } catch (error) {
      this.#onFault(error);
      return 'done';
    }
  }
}

/** An asynchronous function that goes on when it is called. */
const continuation = (resolve: () => void): Runnable => ({
  isReady: false,
  isOverBudget: false,
  step() {
    resolve();
    return 'goes-on';
  },
});

function rethrow(error: unknown): never {
  throw error;
}
