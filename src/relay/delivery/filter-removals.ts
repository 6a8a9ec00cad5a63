import { limits } from '../../config/limits.js';
import type { FilterMatcher } from '../../kernels/kernels.js';
import { Fifo } from '../../lib/collections/fifo.js';
import type { Runnable, TurnScheduler } from '../../lib/turns/turn-scheduler.js';
import type { Filter } from '../../nostr/filter.js';
import { subscribingUnits } from '../work-budget.js';
import type { Subscribers } from './subscribers.js';
import type { Subscription } from './subscription.js';

/** A closed subscription, and its filters that are still in the matcher, each with its handle. */
export type ClosedFilters = {
  readonly subscription: Subscription;
  readonly filters: Filter[];
  readonly handles: number[];
};

/**
 * Takes the filters of closed subscriptions out of the matcher, some at a time: one that hangs up may leave a million
 * values behind, each of which has to be unhooked. What they match until then is to be ignored.
 */
export class FilterRemovals implements Disposable {
  readonly #matcher: FilterMatcher;
  readonly #scheduler: TurnScheduler;
  /** Of those that have some. */
  readonly #ofAddresses = new Map<Subscribers, AddressRemovals>();

  constructor(matcher: FilterMatcher, scheduler: TurnScheduler) {
    this.#matcher = matcher;
    this.#scheduler = scheduler;
  }

  /** Takes the filters out, by and by, and releases the subscription when the last is out. */
  push(closed: ClosedFilters): void {
    const { subscribers } = closed.subscription;
    let removals = this.#ofAddresses.get(subscribers);
    if (removals === undefined) {
      removals = new AddressRemovals(this.#matcher, () => this.#ofAddresses.delete(subscribers));
      this.#ofAddresses.set(subscribers, removals);
    }
    removals.push(closed);
    this.#scheduler.schedule(removals);
  }

  [Symbol.dispose](): void {
    for (const removals of this.#ofAddresses.values()) this.#scheduler.remove(removals);
    this.#ofAddresses.clear();
  }
}

/**
 * Those of one address. They have turns beside those in which the address asks for more, and take out as much in one as it may
 * have taken in in one: whatever else it asks for, it closes no faster than they follow.
 */
export class AddressRemovals implements Runnable {
  readonly isOverBudget = false;
  readonly #matcher: FilterMatcher;
  readonly #onDone: () => void;
  readonly #closed = new Fifo<ClosedFilters>();

  /** `onDone` is told when none is left. */
  constructor(matcher: FilterMatcher, onDone: () => void) {
    this.#matcher = matcher;
    this.#onDone = onDone;
  }

  get isReady(): boolean {
    return this.#closed.length > 0;
  }

  push(closed: ClosedFilters): void {
    this.#closed.push(closed);
  }

  step(): 'done' {
    for (let units = 0; this.isReady && units < limits.requestTurnUnits; ) units += this.#removeNext();
    if (!this.isReady) this.#onDone();
    return 'done';
  }

  /** Removes a filter; what that cost. */
  #removeNext(): number {
    const closed = this.#closed.first;
    const [filter, handle] = [closed?.filters.pop(), closed?.handles.pop()];
    if (handle !== undefined) this.#matcher.remove(handle);
    if (closed?.handles.length === 0) this.#closed.shift()?.subscription.release();
    return filter === undefined ? 0 : subscribingUnits(filter);
  }
}
