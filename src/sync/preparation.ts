import { limits } from '../config/limits.js';
import { KernelMemoryError } from '../kernels/errors.js';
import type { Kernels } from '../kernels/kernels.js';
import type { KnownSet } from '../store/known-set.js';
import { rehearseReconciliation } from './rehearsal.js';

/**
 * What is done before a relay is connected that will most likely be asked for everything: our side stands then, and
 * where it is large, reconciling it was rehearsed. Once in the life of a process, in turns of the event loop.
 */
export class Preparation {
  readonly #known: Pick<KnownSet, 'open'>;
  readonly #kernels: Kernels;
  #isBegun = false;

  constructor(known: Pick<KnownSet, 'open'>, kernels: Kernels) {
    this.#known = known;
    this.#kernels = kernels;
  }

  begin(): void {
    if (this.#isBegun) return;
    this.#isBegun = true;
    this.#prepare().catch(() => {
      // Whoever asks for the set then is told.
    });
  }

  async #prepare(): Promise<void> {
    const size = await this.#sizeOfSet();
    if (size < limits.rehearsalRecords) return;
    try {
      for (const _ of rehearseReconciliation(this.#kernels)) await nextTurn();
    } catch (error) {
      if (!(error instanceof KernelMemoryError)) throw error;
    }
  }

  async #sizeOfSet(): Promise<number> {
    using set = await this.#known.open();
    return set?.size ?? 0;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
