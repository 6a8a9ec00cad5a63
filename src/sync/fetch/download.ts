import { limits } from '../../config/limits.js';
import { type Deferred, deferred, onAbort, withTimeLimit } from '../../lib/abort.js';
import type { Reservation } from '../../lib/budgets/memory-budget.js';
import type { Clock } from '../../lib/clock.js';
import { TaskGroup } from '../../lib/task-group.js';
import { Wakeup } from '../../lib/wakeup.js';
import type { NostrEvent } from '../../nostr/event.js';
import type { EventStore } from '../../store/event-store.js';
import type { RefusedIndex } from '../../store/refused/refused-index.js';
import { PeerGoneError } from '../errors.js';
import { heldIdBytes } from '../held-memory.js';
import type { Peer } from '../peer/peer.js';
import type { RemoteEventSubmitter } from '../peer/remote-event-submitter.js';
import { FetchJob, type FetchListener } from './fetch-job.js';
import {
  type AskAnswer,
  type AskedId,
  askLength,
  type FetchSizeEstimate,
  settleAsk,
} from './fetch-size-estimate.js';
import { type Claimable, IdClaims } from './id-claims.js';
import type { InFlightIds } from './in-flight.js';
import { OldestFirst } from './oldest-first.js';
import type { UnservedIds } from './unserved.js';

/** What is known of one relay's answers to fetches, beyond a connection. */
export type FetchMemory = { fetchSize: FetchSizeEstimate; readonly unserved: UnservedIds };

type Wanted = AskedId & Claimable & { readonly job: FetchJob };

export type DownloaderParts = {
  readonly peer: Peer;
  readonly clock: Clock;
  readonly store: EventStore;
  readonly refused: RefusedIndex;
  readonly submitter: RemoteEventSubmitter;
  readonly inFlight: InFlightIds;
  readonly memory: FetchMemory;
};

/** Bytes of one id in a message. */
const idBytes = 67;

/**
 * Downloads ids from one remote, in asks of which several are under way. Every id is accounted for: it is there by now
 * (stored or refused), or the relay does not serve it.
 */
export class Downloader {
  readonly #parts: DownloaderParts;
  readonly #idsMax: number;
  readonly #jobs = new Set<FetchJob>();
  /** The asks that are under way. */
  readonly #asks = new Set<Promise<void>>();
  #queue: Wanted[] = [];
  readonly #queueMemory: Reservation;
  readonly #wakeup = new Wakeup();
  readonly #claims: IdClaims<Wanted>;
  #room: Deferred<void> | undefined;
  #signal: AbortSignal | undefined;

  constructor(parts: DownloaderParts) {
    this.#parts = parts;
    this.#claims = new IdClaims({
      ...parts,
      relay: parts.peer.relay,
      putBack: (wanted) => this.#putBack(wanted),
    });
    this.#queueMemory = parts.peer.held.open();
    const { messageBytes, eventsPerFilter = limits.downloadIdsMax } = parts.peer.limits;
    const fitting = Math.max(1, Math.floor((messageBytes - 100) / idBytes));
    this.#idsMax = Math.min(limits.downloadIdsMax, eventsPerFilter, fitting);
  }

  /** Ids that wait to be asked for. */
  get queued(): number {
    return this.#queue.length;
  }

  /** Takes an job for the time of `use`, or until `signal` ends it: what is left of it then is not asked for. */
  async withJob<T>(
    listener: FetchListener,
    signal: AbortSignal,
    use: (job: FetchJob) => Promise<T>,
  ): Promise<T> {
    const job = new FetchJob(listener, async (added, ids) => await this.#add(added, ids));
    const drop = () => {
      this.#jobs.delete(job);
      this.#queue = this.#queue.filter((wanted) => wanted.job !== job);
      this.#makeRoom();
    };
    this.#jobs.add(job);
    using _ = onAbort(signal, (reason) => {
      job.fail(reason);
      drop();
    });
    try {
      return await use(job);
    } finally {
      drop();
    }
  }

  /** Resolves when what has been asked for until now is accounted for, or after a time: a relay may take long. */
  async settled(): Promise<void> {
    await this.#inTime(Promise.allSettled(this.#asks));
  }

  async #inTime(work: Promise<unknown>): Promise<void> {
    await withTimeLimit(this.#parts.clock, 'an answer in its turn', limits.downloadTurnMsMax, work).catch(
      () => {},
    );
  }

  /** Asks until `signal` ends it. Rejects with what the first ask failed with that is about all of them. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    // The first worker that fails ends the others: what it was asked for has to be told.
    const workers = new TaskGroup(signal);
    const { requests } = this.#parts.peer.limits;
    for (let count = 0; count < requests; count += 1) workers.spawn(async (inner) => await this.#work(inner));
    using _ = onAbort(workers.signal, (reason) => {
      this.#wakeup.notify();
      this.#room?.reject(reason);
    });
    try {
      await workers.join();
    } finally {
      this.#claims.stop();
      const gone = new PeerGoneError(this.#parts.peer.relay);
      for (const job of this.#jobs) job.fail(gone);
    }
  }

  async #add(job: FetchJob, ids: readonly string[]): Promise<void> {
    for (const id of ids) this.#queue.push({ id, asks: 0, job });
    this.#wakeup.notify();
    while (!this.#hasRoom()) {
      this.#signal?.throwIfAborted();
      this.#room ??= deferred();
      await this.#room.promise;
    }
  }

  async #work(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const job = this.#queue[0]?.job;
      if (job === undefined) {
        await this.#wakeup.wait();
        continue;
      }
      const ask = this.#take(job);
      if (ask.length === 0) continue;
      const asking = this.#ask(job, ask, signal);
      this.#asks.add(asking);
      await asking.finally(() => this.#asks.delete(asking));
    }
  }

  /** Takes the next ids of one job that still have to be asked for; the others are accounted for on the way. */
  #take(job: FetchJob): Wanted[] {
    const { memory } = this.#parts;
    this.#dropSettled(job);
    const ofJob = takeWhile(this.#queue, (wanted) => wanted.job === job);
    const length = askLength(memory.fetchSize, ofJob, this.#idsMax);
    const taken = this.#queue.slice(0, length);
    this.#queue = this.#queue.slice(length);
    this.#makeRoom();
    return this.#claims.take(taken);
  }

  /** Accounts for those ids in front that came by another way, or that the relay is known not to serve. */
  #dropSettled(job: FetchJob): void {
    const { store, refused, memory } = this.#parts;
    let open = 0;
    let seen = 0;
    const left: Wanted[] = [];
    for (const wanted of this.#queue) {
      if (open >= this.#idsMax || wanted.job !== job) break;
      seen += 1;
      const { id } = wanted;
      if (store.has(id) || refused.reasonFor(id) !== undefined) {
        job.settle();
      } else if (memory.unserved.has(id)) {
        job.settleUnserved(id);
      } else {
        left.push(wanted);
        open += 1;
      }
    }
    this.#queue = [...left, ...this.#queue.slice(seen)];
  }

  /** Whether as many ids may wait; none always may. */
  #hasRoom(): boolean {
    const isHeld = this.#queueMemory.resize(this.#queue.length * heldIdBytes);
    return this.#queue.length === 0 || (isHeld && this.#queue.length <= limits.downloadQueueIdsMax);
  }

  #makeRoom(): void {
    this.#queueMemory.resize(this.#queue.length * heldIdBytes);
    if (this.#queue.length > limits.downloadQueueIdsMax / 2) return;
    this.#room?.resolve();
    this.#room = undefined;
  }

  async #ask(job: FetchJob, asked: readonly Wanted[], signal: AbortSignal): Promise<void> {
    const { peer } = this.#parts;
    const ids = asked.map(({ id }) => id);
    const open = new Set(ids);
    const came = new Set<string>();
    const served = new Set<string>();
    const before = job.handedOn;
    const answer = new OldestFirst(
      {
        turn: async () => await this.#inTime(before),
        room: async () => await this.#parts.submitter.room(job.source),
        deliver: async (event) => await this.#deliver(job, event, served),
      },
      peer.held.open(),
    );
    const ended = deferred<void>();
    job.handedOn = ended.promise;
    const onEvent = (event: NostrEvent) => {
      if (open.delete(event.id)) {
        came.add(event.id);
        answer.add(event);
      } else {
        peer.violation();
      }
      return true;
    };
    try {
      const end = await peer
        .request([{ ids, limit: ids.length }], { source: job.source, onEvent }, signal)
        .finally(() => void answer.end().then(ended.resolve));
      if (end.type === 'gone') throw new PeerGoneError(peer.relay);
      await answer.delivered();
      // Asked to slow down time and again: that says nothing about these ids.
      if (end.type === 'overloaded') this.#putBack(asked);
      else this.#settle(job, asked, { came, served, failed: end.type !== 'ended' });
    } finally {
      this.#claims.release(ids);
    }
  }

  async #deliver(job: FetchJob, event: NostrEvent, served: Set<string>): Promise<void> {
    const outcome = await this.#parts.submitter.deliver(event, job.source);
    if (outcome === undefined) return;
    // Something that only claims to have the id (a wrong hash or signature) does not account for it.
    // Nor does one that made us fail: it is tried once more, then left for another day.
    const isForged = outcome.type === 'refused' && this.#parts.refused.reasonFor(event.id) === undefined;
    if ((!isForged && outcome.type !== 'failed') || this.#parts.store.has(event.id)) served.add(event.id);
    job.onEvent(event, outcome);
  }

  #settle(job: FetchJob, asked: readonly Wanted[], answer: AskAnswer): void {
    const { memory } = this.#parts;
    const { record, again, unserved } = settleAsk(memory.fetchSize, asked, answer);
    memory.fetchSize = record;
    for (let count = answer.served.size; count > 0; count -= 1) job.settle();
    for (const id of unserved) {
      memory.unserved.add(id);
      job.settleUnserved(id);
    }
    this.#putBack(again.map((each) => ({ ...each, job })));
  }

  #putBack(wanted: readonly Wanted[]): void {
    for (const each of wanted) if (this.#jobs.has(each.job)) this.#queue.push(each);
    this.#wakeup.notify();
  }
}

function* takeWhile<T>(items: Iterable<T>, holds: (item: T) => boolean): Iterable<T> {
  for (const item of items) {
    if (!holds(item)) return;
    yield item;
  }
}
