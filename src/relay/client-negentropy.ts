import type { Logger } from 'pino';
import { KernelMemoryError } from '../kernels/errors.js';
import { type Kernels, recordBytes } from '../kernels/kernels.js';
import type { CancelTimer, Clock } from '../lib/clock.js';
import { errorMessage } from '../lib/errors.js';
import { NegentropyError } from '../negentropy/errors.js';
import { messageFromHex, messageToHex } from '../negentropy/frame.js';
import { NegentropyServer } from '../negentropy/server.js';
import type { Filter } from '../nostr/filter.js';
import type { LocalSet, LocalSets } from '../store/local-sets.js';
import { negErrorFrame, negMessageFrame } from './frames.js';
import type { Outbox } from './outbox.js';
import type { RelayMetrics } from './relay-metrics.js';
import type { SlotCounter } from './slot-counter.js';

export type NegentropyServices = {
  readonly localSets: Pick<LocalSets, 'open'>;
  readonly kernels: Kernels;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: RelayMetrics;
  /** The sessions of all clients. */
  readonly negentropySlots: SlotCounter;
  readonly settings: {
    readonly clientNegentropySessionsMax: number;
    readonly negentropyItemsMax: number;
    readonly negentropyIdleMsMax: number;
    readonly negentropyAnswerBytesMax: number;
  };
};

type Session = { readonly set: LocalSet; readonly server: NegentropyServer; cancelIdle: CancelTimer };

/** The negentropy sessions of one client (NIP-77): each holds the records of its filter in kernel memory. */
export class ClientNegentropy implements Disposable {
  readonly #services: NegentropyServices;
  readonly #outbox: Outbox;
  readonly #sessions = new Map<string, Session>();

  constructor(services: NegentropyServices, outbox: Outbox) {
    this.#services = services;
    this.#outbox = outbox;
  }

  /** NEG-OPEN: replaces the session with that id, if there is one. `payload` is hex. */
  open(id: string, filter: Filter, payload: string): void {
    this.close(id);
    const { settings, negentropySlots, metrics } = this.#services;
    if (this.#sessions.size >= settings.clientNegentropySessionsMax || !negentropySlots.take()) {
      this.#refuse(id, 'rate-limited: too many negentropy sessions at once');
      return;
    }
    const set = this.#collect(id, filter);
    if (set === undefined) {
      negentropySlots.release();
      return;
    }
    const server = new NegentropyServer(set, settings.negentropyAnswerBytesMax);
    this.#sessions.set(id, { set, server, cancelIdle: () => {} });
    metrics.negentropySessions.inc();
    this.message(id, payload);
  }

  /** NEG-MSG. `payload` is hex. */
  message(id: string, payload: string): void {
    const session = this.#sessions.get(id);
    if (session === undefined) {
      this.#refuse(id, 'closed: there is no such negentropy session');
      return;
    }
    this.#rearm(id, session);
    try {
      const answer = session.server.respond(messageFromHex(payload));
      this.#outbox.send(negMessageFrame(id, messageToHex(answer)));
    } catch (error) {
      this.close(id);
      if (error instanceof NegentropyError) {
        this.#refuse(id, `invalid: ${error.message}`);
      } else {
        this.#services.logger.error({ reason: errorMessage(error) }, 'a negentropy session failed');
        this.#refuse(id, 'error: the reconciliation failed');
      }
    }
  }

  /** NEG-CLOSE, and all else that ends a session without a word to the client. */
  close(id: string): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    this.#sessions.delete(id);
    session.cancelIdle();
    session.set[Symbol.dispose]();
    this.#services.negentropySlots.release();
    this.#services.metrics.negentropySessions.dec();
  }

  /** Ends all sessions and tells the client why. */
  closeAll(reason: string): void {
    for (const id of [...this.#sessions.keys()]) {
      this.close(id);
      this.#refuse(id, reason);
    }
  }

  [Symbol.dispose](): void {
    for (const id of [...this.#sessions.keys()]) this.close(id);
  }

  /** Our side of the filter; `undefined` when it cannot be had, of which the client was told. */
  #collect(id: string, filter: Filter): LocalSet | undefined {
    const { kernels, localSets, logger, settings } = this.#services;
    try {
      const set = localSets.open(filter, settings.negentropyItemsMax);
      if (set === undefined) this.#refuse(id, 'blocked: too many query results', settings.negentropyItemsMax);
      return set;
    } catch (error) {
      if (error instanceof KernelMemoryError) {
        const itemsMax = Math.min(settings.negentropyItemsMax, itemsThatFit(kernels));
        this.#refuse(id, 'blocked: too many query results', itemsMax);
      } else {
        logger.error({ reason: errorMessage(error) }, 'a negentropy session could not be opened');
        this.#refuse(id, 'error: the query failed');
      }
      return undefined;
    }
  }

  #rearm(id: string, session: Session): void {
    session.cancelIdle();
    session.cancelIdle = this.#services.clock.after(this.#services.settings.negentropyIdleMsMax, () => {
      this.close(id);
      this.#refuse(id, 'closed: the negentropy session was idle for too long');
    });
  }

  #refuse(id: string, reason: string, itemsMax?: number): void {
    this.#outbox.send(negErrorFrame(id, reason, itemsMax));
  }
}

/** How many records the kernels could take at the moment: they are copied while they grow, and get range sums. */
function itemsThatFit(kernels: Kernels): number {
  const { bytesMax, bytesInUse } = kernels.memory();
  return Math.max(1, Math.floor((bytesMax - bytesInUse) / (4 * recordBytes)));
}
