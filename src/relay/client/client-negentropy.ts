import type { Logger } from 'pino';
import type { MemoryHolder, Reservation } from '../../lib/budgets/memory-budget.js';
import type { CancelTimer, Clock } from '../../lib/clock.js';
import { errorMessage } from '../../lib/errors.js';
import { NegentropyError } from '../../negentropy/errors.js';
import { NegentropyServer } from '../../negentropy/server.js';
import { messageFromHex, messageToHex } from '../../negentropy/wire/frame.js';
import type { Filter } from '../../nostr/filter.js';
import { negErrorFrame, negMessageFrame } from '../frames/frames.js';
import type { Outbox } from '../frames/outbox.js';
import { requestBytes } from '../held-bytes.js';
import type { RelayMetrics } from '../relay-metrics.js';
import { reconcilingUnits } from '../work-budget.js';
import type { NegentropySlots, Slot } from './negentropy-slots.js';
import type { RequestQueue } from './request-queue.js';
import { type SessionSet, type SessionSetServices, SessionSets } from './session-sets.js';
import type { SlotClient } from './slot-seats.js';

export type NegentropyServices = SessionSetServices & {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: RelayMetrics;
  /** The places of the sessions of all clients. */
  readonly negentropySlots: NegentropySlots;
  readonly settings: {
    readonly negentropyIdleMsMax: number;
    readonly negentropyAnswerBytesMax: number;
  };
};

/** Whose sessions they are, what it holds beside kernel memory, and what its requests count for. */
export type NegentropyOwner = SlotClient & {
  readonly memory: MemoryHolder;
  /** Counts a request, or says why not. */
  readonly takeRequest: () => string | undefined;
};

type Session = {
  readonly set: SessionSet;
  readonly server: NegentropyServer;
  readonly slot: Slot;
  cancelIdle: CancelTimer;
};

/** A session that waits for its place, or for memory that others of the client hold. */
type Waiting = {
  readonly filter: Filter;
  readonly payload: string;
  readonly memory: Reservation;
  slot: Slot | undefined;
  waitsForMemory: boolean;
};

const noRoom = 'rate-limited: there is no memory for more negentropy sessions';

/** The answer to a message that asks nothing is the byte of the version. */
const emptyAnswerBytes = 1;

/**
 * The negentropy sessions of one client (NIP-77): each holds the records of its filter in kernel memory. Gathering
 * these may take many turns of the event loop; what comes for that session meanwhile waits. A session for which there is
 * no place, or no memory beside the client's others, waits for it.
 */
export class ClientNegentropy implements Disposable {
  readonly #services: NegentropyServices;
  readonly #outbox: Outbox;
  readonly #requests: RequestQueue;
  readonly #owner: NegentropyOwner;
  readonly #sets: SessionSets;
  readonly #sessions = new Map<string, Session>();
  readonly #waiting = new Map<string, Waiting>();
  /** By id, what settles when the last message so far has been dealt with; absent where none is under way. */
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #gone = new AbortController();

  constructor(services: NegentropyServices, outbox: Outbox, requests: RequestQueue, owner: NegentropyOwner) {
    this.#services = services;
    this.#outbox = outbox;
    this.#requests = requests;
    this.#owner = owner;
    this.#sets = new SessionSets(services, owner.address, requests, () =>
      this.#endAll('rate-limited: the relay needs the memory of these sessions'),
    );
  }

  /** NEG-OPEN: replaces the session with that id, if there is one. `payload` is hex. */
  open(id: string, filter: Filter, payload: string): Promise<void> | void {
    return this.#inOrder(id, () => this.#open(id, filter, payload));
  }

  /** NEG-MSG. `payload` is hex. */
  message(id: string, payload: string): Promise<void> | void {
    return this.#inOrder(id, () => this.#respond(id, payload));
  }

  /** NEG-CLOSE; `onUnknown` is told where there is no such session. */
  close(id: string, onUnknown: () => void): Promise<void> | void {
    return this.#inOrder(id, () => {
      if (!this.#end(id)) onUnknown();
    });
  }

  /** Ends the session with that id, if there is one, for a mistake of the client, who is told. */
  fail(id: string, reason: string): Promise<void> | void {
    return this.#inOrder(id, () => this.#endWith(id, reason));
  }

  /** Ends all sessions and tells the client why. */
  closeAll(reason: string): void {
    this.#gone.abort();
    this.#endAll(reason);
  }

  [Symbol.dispose](): void {
    this.#gone.abort();
    for (const id of this.#ids()) this.#end(id);
    this.#sets[Symbol.dispose]();
  }

  #ids(): string[] {
    return [...this.#waiting.keys(), ...this.#sessions.keys()];
  }

  #endAll(reason: string): void {
    for (const id of this.#ids()) this.#endWith(id, reason);
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

  #open(id: string, filter: Filter, payload: string): Promise<void> | void {
    if (this.#gone.signal.aborted) return;
    this.#end(id);
    const memory = this.#owner.memory.reserve(requestBytes([filter], payload.length));
    if (memory === undefined) {
      this.#refuse(id, noRoom);
      return;
    }
    const waiting: Waiting = { filter, payload, memory, slot: undefined, waitsForMemory: false };
    this.#waiting.set(id, waiting);
    if (this.#enter(id, waiting)) return this.#begin(id, waiting);
  }

  /** Takes a place, or one in the line; whether it has it. */
  #enter(id: string, waiting: Waiting): boolean {
    // Another of the client may give way for it, and end before it is known here that it has its place.
    waiting.waitsForMemory = false;
    const slot = this.#services.negentropySlots.enter(this.#owner, {
      start: () => this.#beginInTurn(id, waiting),
      giveWay: () => this.#endWith(id, 'closed: the negentropy session gave way to one that waited'),
    });
    waiting.slot = slot;
    if (slot === undefined) this.#endWith(id, 'rate-limited: too many negentropy sessions wait');
    return slot?.isOpen === true;
  }

  /** In its turn among the requests of all clients, as if it came now. */
  #beginInTurn(id: string, waiting: Waiting): void {
    this.#requests.push({ chars: 0, run: () => this.#inOrder(id, () => this.#begin(id, waiting)) });
  }

  /** Makes a session of one that has its place, unless it was closed meanwhile. */
  async #begin(id: string, waiting: Waiting): Promise<void> {
    const isWanted = () => this.#waiting.get(id) === waiting;
    if (!isWanted()) return;
    const set = await this.#collect(id, waiting, isWanted);
    if (set === undefined) return;
    const { slot, payload } = waiting;
    if (slot === undefined || !isWanted()) {
      set[Symbol.dispose]();
      return;
    }
    this.#waiting.delete(id);
    waiting.memory[Symbol.dispose]();
    const server = new NegentropyServer(set.records, this.#services.settings.negentropyAnswerBytesMax);
    const session: Session = { set, server, slot, cancelIdle: () => {} };
    this.#sessions.set(id, session);
    this.#services.metrics.negentropySessions.inc();
    this.#rearm(id, session);
    this.#respond(id, payload);
  }

  /** Our side of the filter; `undefined` when it cannot be had, of which the client was told, or not yet. */
  async #collect(id: string, waiting: Waiting, isWanted: () => boolean): Promise<SessionSet | undefined> {
    const { memory } = waiting;
    const { bytes } = memory;
    if (!memory.resize(bytes + this.#services.localSets.makingBytes)) {
      this.#endWith(id, noRoom);
      return undefined;
    }
    try {
      const answer = await this.#sets.open(waiting.filter, this.#gone.signal);
      if (answer.type === 'open') return answer.set;
      if (!isWanted()) return undefined;
      if (answer.type === 'too-many') {
        this.#endWith(id, 'blocked: too many query results', answer.itemsMax);
      } else {
        waiting.slot?.leave();
        waiting.slot = undefined;
        waiting.waitsForMemory = true;
      }
    } catch (error) {
      if (!isWanted()) return undefined;
      this.#services.logger.error(
        { reason: errorMessage(error) },
        'a negentropy session could not be opened',
      );
      this.#endWith(id, 'error: the query failed');
    } finally {
      // It is given back by whoever ended it.
      if (isWanted()) memory.resize(bytes);
    }
    return undefined;
  }

  #respond(id: string, payload: string): void {
    const session = this.#sessions.get(id);
    if (session === undefined) {
      // A request as any; one of a session is paid for with its work.
      const refusal = this.#owner.takeRequest();
      this.#endWith(id, refusal ?? 'closed: there is no such negentropy session');
      return;
    }
    try {
      const answer = session.server.respond(messageFromHex(payload));
      this.#requests.spend(reconcilingUnits(payload.length + answer.length));
      if (answer.length > emptyAnswerBytes) this.#rearm(id, session);
      this.#outbox.send(negMessageFrame(id, messageToHex(answer)));
    } catch (error) {
      if (error instanceof NegentropyError) {
        this.#endWith(id, `invalid: ${error.message}`);
      } else {
        this.#services.logger.error({ reason: errorMessage(error) }, 'a negentropy session failed');
        this.#endWith(id, 'error: the reconciliation failed');
      }
    }
  }

  /** Ends the session, if there is one, or its waiting, and tells the client why. */
  #endWith(id: string, reason: string, itemsMax?: number): void {
    this.#end(id);
    this.#refuse(id, reason, itemsMax);
  }

  /** The same without a word to the client; whether there was one. */
  #end(id: string): boolean {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiting?.memory[Symbol.dispose]();
    waiting?.slot?.leave();
    const session = this.#sessions.get(id);
    if (session === undefined) return waiting !== undefined;
    this.#sessions.delete(id);
    session.cancelIdle();
    session.set[Symbol.dispose]();
    this.#services.metrics.negentropySessions.dec();
    session.slot.leave();
    this.#resumeWaiting();
    return true;
  }

  /** Those that waited for memory are tried again. */
  #resumeWaiting(): void {
    if (this.#gone.signal.aborted) return;
    for (const [id, waiting] of this.#waiting) {
      if (waiting.waitsForMemory && this.#enter(id, waiting)) this.#beginInTurn(id, waiting);
    }
  }

  /** The session was useful: it gives way last, and is not idle. */
  #rearm(id: string, session: Session): void {
    session.slot.use();
    session.cancelIdle();
    session.cancelIdle = this.#services.clock.after(this.#services.settings.negentropyIdleMsMax, () =>
      this.#endWith(id, 'closed: the negentropy session was idle for too long'),
    );
  }

  #refuse(id: string, reason: string, itemsMax?: number): void {
    this.#outbox.send(negErrorFrame(id, reason, itemsMax));
  }
}
