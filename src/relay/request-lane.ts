import type { Lane, TurnScheduler } from './turn-scheduler.js';

/** A request that waits for its turn. */
export type LaneRequest = {
  /** What it holds while it waits. */
  readonly chars: number;
  /** Does the work; it must handle its own errors. It counts as running until the promise settles. */
  run(): Promise<void> | void;
};

export type LaneLimits = {
  readonly requestsQueuedMax: number;
  readonly requestsQueuedCharsMax: number;
  readonly queriesRunningMax: number;
};

/** The requests of one client, first in, first out, a few of them running at the same time. */
export class RequestLane implements Lane, Disposable {
  readonly #scheduler: TurnScheduler;
  readonly #limits: LaneLimits;
  readonly #onFlowChanged: () => void;
  #queue: LaneRequest[] = [];
  #chars = 0;
  #running = 0;

  constructor(scheduler: TurnScheduler, laneLimits: LaneLimits, onFlowChanged: () => void) {
    this.#scheduler = scheduler;
    this.#limits = laneLimits;
    this.#onFlowChanged = onFlowChanged;
  }

  /** Whether so much waits that the client should not be read. */
  get blocked(): boolean {
    return (
      this.#queue.length >= this.#limits.requestsQueuedMax || this.#chars >= this.#limits.requestsQueuedCharsMax
    );
  }

  push(request: LaneRequest): void {
    this.#queue.push(request);
    this.#chars += request.chars;
    if (this.#mayStart) this.#scheduler.announce(this);
    this.#onFlowChanged();
  }

  startNext(): boolean {
    if (!this.#mayStart) return false;
    const request = this.#queue.shift() as LaneRequest;
    this.#chars -= request.chars;
    const work = request.run();
    if (work !== undefined) {
      this.#running += 1;
      void work.finally(() => this.#onSettled());
    }
    this.#onFlowChanged();
    return this.#mayStart;
  }

  /** Drops what waits. */
  [Symbol.dispose](): void {
    this.#queue = [];
    this.#chars = 0;
    this.#scheduler.remove(this);
  }

  get #mayStart(): boolean {
    return this.#queue.length > 0 && this.#running < this.#limits.queriesRunningMax;
  }

  #onSettled(): void {
    this.#running -= 1;
    if (this.#mayStart) this.#scheduler.announce(this);
  }
}
