import { limits } from '../config/limits.js';
import { KernelMemoryError } from '../kernels/errors.js';
import type { Kernels } from '../kernels/kernels.js';
import type { EventStore } from '../store/event-store.js';
import { reconcileMadeUpSets } from './made-up-reconciliation.js';

/**
 * What a process does for the first time takes it several times as long as later on. Where much is stored, a
 * reconciliation is rehearsed before a relay asks for one or is asked: once in the life of a process, in turns of the
 * event loop.
 */
export class Rehearsal {
  readonly #store: Pick<EventStore, 'size'>;
  readonly #kernels: Kernels;
  #isBegun = false;

  constructor(store: Pick<EventStore, 'size'>, kernels: Kernels) {
    this.#store = store;
    this.#kernels = kernels;
  }

  /** Begins, if it did not yet and there is enough to reconcile. */
  begin(): void {
    if (this.#isBegun || this.#store.size < limits.rehearsalRecords) return;
    this.#isBegun = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    try {
      for (const _ of reconcileMadeUpSets(this.#kernels)) await nextTurn();
    } catch (error) {
      // With so little memory left, nothing is reconciled either.
      if (!(error instanceof KernelMemoryError)) throw error;
    }
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
