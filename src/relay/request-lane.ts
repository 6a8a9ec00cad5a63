import type { Outbox } from './outbox.js';
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

/**
 * The requests of one client, first in, first out, a few of them running at the same time. None is started while
 * the client has much to read still.
 */
export class RequestLane implements Lane, Disposable {
  readonly #scheduler: TurnScheduler;
  readonly #limits: LaneLimits;
  readonly #outbox: Pick<Outbox, 'full' | 'roomy'>;
  readonly #onFlowChanged: () => void;
  #queue: LaneRequest[] = [];
  #chars = 0;
  #running = 0;
  #waitsForRoom = false;

  constructor(
    scheduler: TurnScheduler,
    laneLimits: LaneLimits,
    outbox: Pick<Outbox, 'full' | 'roomy'>,
    onFlowChanged: () => void,
  ) {
    this.#scheduler = scheduler;
    this.#limits = laneLimits;
    this.#outbox = outbox;
    this.#onFlowChanged = onFlowChanged;
  }

  /** Whether so much waits that the client should not be read. */
  get blocked(): boolean {
    return (
      this.#queue.length >= this.#limits.requestsQueuedMax ||
      this.#chars >= this.#limits.requestsQueuedCharsMax
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
    if (this.#outbox.full) {
      if (!this.#waitsForRoom) void this.#waitForRoom();
      return false;
    }
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

  async #waitForRoom(): Promise<void> {
    this.#waitsForRoom = true;
    try {
      await this.#outbox.roomy();
    } catch {
      // The client is gone, and what it asked for with it.
      return;
    }
    this.#waitsForRoom = false;
    if (this.#mayStart) this.#scheduler.announce(this);
  }

  #onSettled(): void {
    this.#running -= 1;
    if (this.#mayStart) this.#scheduler.announce(this);
  }
}
