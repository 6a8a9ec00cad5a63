import { noteUse } from '../../config/limit-use.js';
import { type Deferred, deferred } from '../../lib/abort.js';
import type { Runnable, TurnScheduler, WorkTurns } from '../../lib/turns/turn-scheduler.js';
import { ClientGoneError, type Outbox } from '../frames/outbox.js';
import type { WorkBudget } from '../work-budget.js';

/** A request that waits for its turn. */
export type QueuedRequest = {
  /** What it holds while it waits. */
  readonly chars: number;
  /** Does the work; it must handle its own errors. It counts as running until the promise settles. */
  run(): Promise<void> | void;
};

export type RequestQueueLimits = {
  readonly requestsQueuedMax: number;
  readonly requestsQueuedCharsMax: number;
  readonly queriesRunningMax: number;
  /** Units of work after which a request leaves the turn to others. */
  readonly requestTurnUnits: number;
};

/**
 * The requests of one client, first in, first out, a few of them running at the same time. None is started while
 * the client has much to read still. Those that are long take further turns of the client (`next`), before new ones are
 * started; all of them are paid for out of the client's budget.
 */
export class RequestQueue implements Runnable, WorkTurns, Disposable {
  readonly group: string | undefined;
  readonly #scheduler: TurnScheduler;
  readonly #limits: RequestQueueLimits;
  readonly #budget: WorkBudget;
  readonly #outbox: Pick<Outbox, 'full' | 'waitForCapacity'>;
  readonly #onFlowChanged: () => void;
  readonly #onFault: (error: unknown) => void;
  #queue: QueuedRequest[] = [];
  /** Those that wait to go on. */
  #waiting: Deferred<void>[] = [];
  #chars = 0;
  #running = 0;
  #waitsForRoom = false;
  readonly #gone = new AbortController();
  /** What was spent since the client had its last turn. */
  #turnUnits = 0;

  /**
   * `onFault` is told what a request failed with that should have been handled there. The clients of one `group` have the
   * turns of one.
   */
  constructor(
    scheduler: TurnScheduler,
    queueLimits: RequestQueueLimits,
    budget: WorkBudget,
    outbox: Pick<Outbox, 'full' | 'waitForCapacity'>,
    onFlowChanged: () => void,
    onFault: (error: unknown) => void,
    group?: string,
  ) {
    this.group = group;
    this.#scheduler = scheduler;
    this.#limits = queueLimits;
    this.#budget = budget;
    this.#outbox = outbox;
    this.#onFlowChanged = onFlowChanged;
    this.#onFault = onFault;
  }

  /** Whether so much waits that the client should not be read. */
  get blocked(): boolean {
    return (
      this.#queue.length >= this.#limits.requestsQueuedMax ||
      this.#chars >= this.#limits.requestsQueuedCharsMax
    );
  }

  get isOverBudget(): boolean {
    return this.#budget.isSpent;
  }

  /** Whether what the client sends should wait for a turn: others have work to be done, and it used up its budget. */
  get shouldWait(): boolean {
    return this.#scheduler.isWantedBesides(this) && this.#budget.isSpent;
  }

  get isReady(): boolean {
    return this.#waiting.length > 0 || (this.#mayStart && !this.#outbox.full);
  }

  /** Whether so much was done in this turn that the rest should wait for the `next`. */
  get isOver(): boolean {
    return this.#turnUnits >= this.#limits.requestTurnUnits;
  }

  push(request: QueuedRequest): void {
    this.#queue.push(request);
    this.#chars += request.chars;
    noteUse('clientRequestsQueuedMax', this.#queue.length);
    noteUse('clientRequestsQueuedCharsMax', this.#chars);
    if (this.#mayStart) this.#scheduler.schedule(this);
    this.#onFlowChanged();
  }

  spend(units: number): void {
    this.#budget.spend(units);
    this.#turnUnits += units;
  }

  /** Settles in a turn, when the client has work left in its budget. Rejects when the client is gone. */
  async whenWithinBudget(): Promise<void> {
    await this.next();
    while (this.#budget.isSpent) {
      await this.#budget.refilled(this.#gone.signal);
      await this.next();
    }
  }

  async next(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.#gone.signal.throwIfAborted();
    const turn = deferred<void>();
    this.#waiting.push(turn);
    this.#scheduler.schedule(this);
    await turn.promise;
    signal?.throwIfAborted();
  }

  step(): 'done' | 'goes-on' {
    this.#turnUnits = 0;
    const turn = this.#waiting.shift();
    if (turn !== undefined) {
      turn.resolve();
      return 'goes-on';
    }
    if (this.#mayStart && this.#outbox.full) {
      if (!this.#waitsForRoom) void this.#waitForRoom();
    } else if (this.#mayStart) {
      this.#startNext();
    }
    return 'done';
  }

  /** Drops what waits. */
  [Symbol.dispose](): void {
    const goneError = new ClientGoneError();
    this.#gone.abort(goneError);
    this.#queue = [];
    this.#chars = 0;
    this.#scheduler.remove(this);
    for (const turn of this.#waiting.splice(0)) turn.reject(goneError);
  }

  get #mayStart(): boolean {
    return this.#queue.length > 0 && this.#running < this.#limits.queriesRunningMax;
  }

  #startNext(): void {
    const request = this.#queue.shift() as QueuedRequest;
    this.#chars -= request.chars;
    const work = request.run();
    if (work !== undefined) void this.#settled(work);
    this.#onFlowChanged();
  }

  async #waitForRoom(): Promise<void> {
    this.#waitsForRoom = true;
    try {
      await this.#outbox.waitForCapacity();
    } catch {
      // The client is gone, and what it asked for with it.
      return;
    }
    this.#waitsForRoom = false;
    if (this.#mayStart) this.#scheduler.schedule(this);
  }

  async #settled(work: Promise<void>): Promise<void> {
    this.#running += 1;
    try {
      await work;
    } catch (error) {
      this.#onFault(error);
    } finally {
      this.#running -= 1;
      if (this.#mayStart) this.#scheduler.schedule(this);
    }
  }
}
