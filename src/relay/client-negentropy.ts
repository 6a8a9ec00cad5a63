import type { Logger } from 'pino';
import { KernelMemoryError } from '../kernels/errors.js';
import { type Kernels, recordBytes } from '../kernels/kernels.js';
import type { CancelTimer, Clock } from '../lib/clock.js';
import { errorMessage } from '../lib/errors.js';
import { NegentropyError } from '../negentropy/errors.js';
import { messageFromHex, messageToHex } from '../negentropy/frame.js';
import { NegentropyServer } from '../negentropy/server.js';
import type { Filter } from '../nostr/filter.js';
import type { LocalSet } from '../store/local-set.js';
import type { LocalSets } from '../store/local-sets.js';
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

/**
 * The negentropy sessions of one client (NIP-77): each holds the records of its filter in kernel memory. Gathering
 * these may take many turns of the event loop; what comes for that session meanwhile waits.
 */
export class ClientNegentropy implements Disposable {
  readonly #services: NegentropyServices;
  readonly #outbox: Outbox;
  readonly #sessions = new Map<string, Session>();
  /** By id, what settles when the last message so far has been dealt with; absent where none is under way. */
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #gone = new AbortController();
  /** Sessions that are being opened. */
  #opening = 0;

  constructor(services: NegentropyServices, outbox: Outbox) {
    this.#services = services;
    this.#outbox = outbox;
  }

  /** NEG-OPEN: replaces the session with that id, if there is one. `payload` is hex. */
  open(id: string, filter: Filter, payload: string): Promise<void> | void {
    return this.#inOrder(id, () => this.#open(id, filter, payload));
  }

  /** NEG-MSG. `payload` is hex. */
  message(id: string, payload: string): Promise<void> | void {
    return this.#inOrder(id, () => this.#respond(id, payload));
  }

  /** NEG-CLOSE, or with a reason what ends a session for a mistake of the client, who is told. */
  close(id: string, reason?: string): Promise<void> | void {
    return this.#inOrder(id, () => {
      this.#end(id);
      if (reason !== undefined) this.#refuse(id, reason);
    });
  }

  /** Ends all sessions and tells the client why. */
  closeAll(reason: string): void {
    this.#gone.abort();
    for (const id of [...this.#sessions.keys()]) {
      this.#end(id);
      this.#refuse(id, reason);
    }
  }

  [Symbol.dispose](): void {
    this.#gone.abort();
    for (const id of [...this.#sessions.keys()]) this.#end(id);
  }

  /** Does the work, which does not reject, now or when all that came before for that id is done. */
  #inOrder(id: string, work: () => Promise<void> | void): Promise<void> | void {
    const before = this.#underWay.get(id);
    const done = before === undefined ? work() : before.then(work);
    if (done === undefined) return;
    const all = done.then(() => {
      if (this.#underWay.get(id) === all) this.#underWay.delete(id);
    });
    this.#underWay.set(id, all);
    return all;
  }

  async #open(id: string, filter: Filter, payload: string): Promise<void> {
    if (this.#gone.signal.aborted) return;
    this.#end(id);
    const { settings, negentropySlots, metrics } = this.#services;
    const open = this.#sessions.size + this.#opening;
    if (open >= settings.clientNegentropySessionsMax || !negentropySlots.take()) {
      this.#refuse(id, 'rate-limited: too many negentropy sessions at once');
      return;
    }
    this.#opening += 1;
    const set = await this.#collect(id, filter);
    this.#opening -= 1;
    if (set === undefined || this.#gone.signal.aborted) {
      set?.[Symbol.dispose]();
      negentropySlots.release();
      return;
    }
    const server = new NegentropyServer(set, settings.negentropyAnswerBytesMax);
    this.#sessions.set(id, { set, server, cancelIdle: () => {} });
    metrics.negentropySessions.inc();
    this.#respond(id, payload);
  }

  #respond(id: string, payload: string): void {
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
      this.#end(id);
      if (error instanceof NegentropyError) {
        this.#refuse(id, `invalid: ${error.message}`);
      } else {
        this.#services.logger.error({ reason: errorMessage(error) }, 'a negentropy session failed');
        this.#refuse(id, 'error: the reconciliation failed');
      }
    }
  }

  /** Ends the session, if there is one, without a word to the client. */
  #end(id: string): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    this.#sessions.delete(id);
    session.cancelIdle();
    session.set[Symbol.dispose]();
    this.#services.negentropySlots.release();
    this.#services.metrics.negentropySessions.dec();
  }

  /** Our side of the filter; `undefined` when it cannot be had, of which the client was told. */
  async #collect(id: string, filter: Filter): Promise<LocalSet | undefined> {
    const { kernels, localSets, logger, settings } = this.#services;
    try {
      const set = await localSets.open(filter, settings.negentropyItemsMax, this.#gone.signal);
      if (set === undefined) this.#refuse(id, 'blocked: too many query results', settings.negentropyItemsMax);
      return set;
    } catch (error) {
      if (this.#gone.signal.aborted) return undefined;
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
      this.#end(id);
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
