import { type Deferred, deferred } from './abort.js';

/** Lets a loop sleep until there is something to do; what was told while it did not sleep is not lost. */
export class Wakeup {
  #isTold = false;
  #sleeper: Deferred<void> | undefined;

  /** There is something to do. */
  notify(): void {
    this.#isTold = true;
    this.#sleeper?.resolve();
  }

  /** Resolves when `notify` was called since the last time; the caller then looks at everything. */
  async wait(): Promise<void> {
    if (!this.#isTold) {
      this.#sleeper ??= deferred();
      await this.#sleeper.promise;
    }
    this.#isTold = false;
    this.#sleeper = undefined;
  }
}
