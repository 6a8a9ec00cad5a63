import { limits } from '../config/limits.js';
import type { Clock } from '../lib/clock.js';
import type { NextTurn } from '../lib/turns/turn-order.js';
import { fixedSlice, type Runnable, TurnScheduler } from '../lib/turns/turn-scheduler.js';

/**
 * When requests over HTTP are begun: in a slice of each turn of the event loop, and where that does not suffice, those of one
 * address after the other. However many come at once, they hold up neither WebSockets nor the requests of others for long.
 */
export class RequestTurns {
  readonly #scheduler: TurnScheduler;
  /** Address groups of which requests wait. */
  readonly #waiting = new Map<string, WaitingRequests>();
  /** Requests that were begun in this run of the scheduler. */
  #begun = 0;

  constructor(clock: Pick<Clock, 'monotonic'>, nextTurn: NextTurn) {
    this.#scheduler = new TurnScheduler(clock, fixedSlice(limits.requestSliceMs), nextTurn);
  }

  /** Settles when a request of that address group may be begun; `undefined`: at once. */
  enter(group: string): Promise<void> | undefined {
    if (this.#waiting.size === 0 && !this.#scheduler.isOver) return undefined;
    return new Promise<void>((resolve) => {
      const waiting = this.#waiting.get(group) ?? this.#join(group);
      waiting.add(resolve);
      this.#scheduler.schedule(waiting);
    });
  }

  #join(group: string): WaitingRequests {
    const waiting = new WaitingRequests((isLast) => {
      if (isLast) this.#waiting.delete(group);
      return this.#countBegun();
    });
    this.#waiting.set(group, waiting);
    return waiting;
  }

  /** What they cost is seen only once they have run, behind the scheduler: so few are begun in a turn. */
  #countBegun(): 'done' | 'goes-on' {
    this.#begun = (this.#begun + 1) % limits.httpRequestsPerTurn;
    return this.#begun === 0 || this.#waiting.size === 0 ? 'goes-on' : 'done';
  }
}

/** The requests of one address group that wait, the first first. */
class WaitingRequests implements Runnable {
  readonly isOverBudget = false;
  readonly #onBegun: (isLast: boolean) => 'done' | 'goes-on';
  readonly #begins = new Set<() => void>();

  constructor(onBegun: (isLast: boolean) => 'done' | 'goes-on') {
    this.#onBegun = onBegun;
  }

  get isReady(): boolean {
    return this.#begins.size > 0;
  }

  add(begin: () => void): void {
    this.#begins.add(begin);
  }

  step(): 'done' | 'goes-on' {
    const [begin] = this.#begins;
    if (begin === undefined) return 'done';
    this.#begins.delete(begin);
    begin();
    return this.#onBegun(!this.isReady);
  }
}
