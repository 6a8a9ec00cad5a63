import type { StoreObserver } from '../event-store.js';

/** Those who follow what is stored. */
export class ChangeObservers {
  readonly #observers: StoreObserver[] = [];
  #isTelling = false;

  /** Whether one of them is being told: what it asks must not change the store under the change that it is told of. */
  get isTelling(): boolean {
    return this.#isTelling;
  }

  add(observer: StoreObserver): void {
    this.#observers.push(observer);
  }

  tell(what: (observer: StoreObserver) => void): void {
    this.#isTelling = true;
    try {
      for (const observer of this.#observers) what(observer);
    } finally {
      this.#isTelling = false;
    }
  }
}
