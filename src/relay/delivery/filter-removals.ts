import type { FilterMatcher } from '../../kernels/kernels.js';
import type { Runnable, TurnScheduler } from '../../lib/turns/turn-scheduler.js';

/**
 * Takes the filters of closed subscriptions out of the matcher, one at a time: one that hangs up may leave a million
 * values behind, each of which has to be unhooked.
 */
export class FilterRemovals implements Runnable, Disposable {
  readonly isOverBudget = false;
  readonly #matcher: FilterMatcher;
  readonly #scheduler: TurnScheduler;
  #handles: number[] = [];

  constructor(matcher: FilterMatcher, scheduler: TurnScheduler) {
    this.#matcher = matcher;
    this.#scheduler = scheduler;
  }

  get isReady(): boolean {
    return this.#handles.length > 0;
  }

  /** Takes filters out, by and by; what they match until then is to be ignored. */
  push(handle: number): void {
    this.#handles.push(handle);
    this.#scheduler.schedule(this);
  }

  step(): 'done' {
    const handle = this.#handles.pop();
    if (handle !== undefined) this.#matcher.remove(handle);
    return 'done';
  }

  [Symbol.dispose](): void {
    this.#handles = [];
    this.#scheduler.remove(this);
  }
}
