import { limits } from '../config/limits.js';
import type { Kernels } from '../kernels/kernels.js';
import { deferred } from '../lib/abort.js';
import { errorMessage } from '../lib/errors.js';
import type { EventStore } from '../store/event-store.js';
import type { SyncLogger } from './logger.js';
import { reconcileMadeUpSets } from './made-up-reconciliation.js';

export type RehearsalParts = {
  readonly store: Pick<EventStore, 'size'>;
  readonly kernels: Kernels;
  readonly logger: Pick<SyncLogger, 'debug'>;
};

/**
 * What a process does for the first time takes it several times as long as later on. Where much is stored and one of the
 * relays that are followed has many topics, a reconciliation is rehearsed before the first of them is dialled: once in
 * the life of a process, in turns of the event loop. When a catch-up is under way there is nothing to rehearse any more.
 */
export class Rehearsal {
  readonly #parts: RehearsalParts;
  readonly #decided = deferred<boolean>();

  constructor(parts: RehearsalParts) {
    this.#parts = parts;
  }

  /** Much will be reconciled, and no relay was dialled yet: begins if there is enough stored. */
  begin(): void {
    if (this.#parts.store.size >= limits.rehearsalStoredEventsMin) this.#decided.resolve(true);
  }

  /** A relay is dialled: what has not begun does not begin any more. */
  miss(): void {
    this.#decided.resolve(false);
  }

  /** Rehearses if it comes to that, and as long as `signal` lets it. Never rejects: it is a help only. */
  async run(signal: AbortSignal): Promise<void> {
    const onAbort = () => this.miss();
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      if (await this.#decided.promise) await this.#rehearse(signal);
    } catch (error) {
      // Where it is memory that lacks, nothing is reconciled later on either.
      this.#parts.logger.debug({ error: errorMessage(error) }, 'rehearsal broke off');
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  async #rehearse(signal: AbortSignal): Promise<void> {
    for (const _ of reconcileMadeUpSets(this.#parts.kernels)) {
      await nextTurn();
      if (signal.aborted) return;
    }
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
