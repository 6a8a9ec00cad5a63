import { exceeds } from '../../config/limit-use.js';
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
import { FetchJob, type FetchListener, type IdFetcher } from './fetch-job.js';
import { type AskedId, accountFor, askLength, type FetchSizeEstimate } from './fetch-size-estimate.js';
import { type Claimable, IdClaims, type InFlightIds } from './in-flight.js';
import { OldestFirst } from './oldest-first.js';
import type { UnservedIds } from './unserved.js';

/** What is known of one relay's answers to fetches, beyond a connection. */
export type FetchMemory = { fetchSize: FetchSizeEstimate; readonly unserved: UnservedIds };

export type FetcherParts = {
  readonly peer: Peer;
  readonly clock: Clock;
  readonly store: EventStore;
  readonly refused: RefusedIndex;
  readonly submitter: RemoteEventSubmitter;
  readonly inFlight: InFlightIds;
  readonly memory: FetchMemory;
};

type Wanted = AskedId & Claimable & { readonly job: FetchJob };

/** Bytes of one id in a message. */
const idBytes = 67;

/**
 * Fetches events by their ids from one remote: takes ids, claims those that no other relay is asked for, asks for some
 * hundreds at a time, hands on what comes, oldest first, and accounts for each id. It is here by then (stored, or refused
 * by the policy), or the relay does not serve it, or its job fails with the connection.
 */
export class Fetcher implements IdFetcher {
  readonly #parts: FetcherParts;
  readonly #idsMax: number;
  readonly #jobs = new Set<FetchJob>();
  /** The asks that are under way. */
  readonly #asks = new Set<Promise<void>>();
  #queue: Wanted[] = [];
  readonly #queueMemory: Reservation;
  readonly #wakeup = new Wakeup();
  readonly #claims: IdClaims<Wanted>;
  /** Those who add ids wait for it while too many wait. */
  #room: Deferred<void> | undefined;
  #signal: AbortSignal | undefined;
  /** Nobody works on jobs any more: the connection ended. */
  #hasEnded = false;

  constructor(parts: FetcherParts) {
    this.#parts = parts;
    const putBack = (wanted: readonly Wanted[]) => this.#putBack(wanted);
    this.#claims = new IdClaims({ ...parts, relay: parts.peer.relay, putBack });
    this.#queueMemory = parts.peer.held.open();
    const { messageBytes, eventsPerFilter = limits.downloadIdsMax } = parts.peer.limits;
    const fitting = Math.max(1, Math.floor((messageBytes - 100) / idBytes));
    this.#idsMax = Math.min(limits.downloadIdsMax, eventsPerFilter, fitting);
  }

  /** Ids that wait to be asked for. */
  get queued(): number {
    return this.#queue.length;
  }

  begin(listener: FetchListener, signal: AbortSignal): FetchJob {
    const queue = {
      add: async (job: FetchJob, ids: readonly string[]) => await this.#enqueue(job, ids),
      drop: (job: FetchJob) => this.#drop(job),
    };
    const job = new FetchJob(listener, queue, signal);
    this.#jobs.add(job);
    if (this.#hasEnded) job.fail(new PeerGoneError(this.#parts.peer.relay));
    return job;
  }

  async asked(): Promise<void> {
    await this.#inTime(Promise.allSettled(this.#asks));
  }

  /** Asks until `signal` ends it. Rejects when the connection ends, and when we ourselves fail; then all jobs fail. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    // The first worker that fails ends the others: what it was asked for has to be told.
    const workers = new TaskGroup(signal);
    const { requests } = this.#parts.peer.limits;
    for (let count = 0; count < requests; count += 1) workers.spawn(async () => await this.#work(workers));
    using _ = onAbort(workers.signal, (reason) => {
      this.#wakeup.notify();
      this.#room?.reject(reason);
    });
    try {
      await workers.join();
    } finally {
      this.#hasEnded = true;
      this.#claims.stop();
      const gone = new PeerGoneError(this.#parts.peer.relay);
      for (const job of this.#jobs) job.fail(gone);
    }
  }

  async #enqueue(job: FetchJob, ids: readonly string[]): Promise<void> {
    for (const id of ids) this.#queue.push({ id, asks: 0, job });
    this.#wakeup.notify();
    while (!this.#hasRoom()) {
      this.#signal?.throwIfAborted();
      this.#room ??= deferred();
      await this.#room.promise;
    }
  }

  async #work(workers: TaskGroup): Promise<void> {
    while (!workers.signal.aborted) {
      const job = this.#queue[0]?.job;
      if (job === undefined) {
        await this.#wakeup.wait();
        continue;
      }
      const wanted = this.#take(job);
      if (wanted.length === 0) continue;
      const asking = this.#ask(job, wanted, workers);
      this.#asks.add(asking);
      await asking.finally(() => this.#asks.delete(asking));
    }
  }

  /** Takes the next ids of one job that have to be asked for here; other relays are asked for the others. */
  #take(job: FetchJob): Wanted[] {
    this.#skipKnown(job);
    const ofJob = takeWhile(this.#queue, (wanted) => wanted.job === job);
    const length = askLength(this.#parts.memory.fetchSize, ofJob, this.#idsMax);
    const taken = this.#queue.slice(0, length);
    this.#queue = this.#queue.slice(length);
    this.#makeRoom();
    return this.#claims.take(taken);
  }

  /** Accounts for those ids in front that came by another way, or that the relay is known not to serve. */
  #skipKnown(job: FetchJob): void {
    const { store, refused, memory } = this.#parts;
    let seen = 0;
    const unknown: Wanted[] = [];
    for (const wanted of this.#queue) {
      if (unknown.length >= this.#idsMax || wanted.job !== job) break;
      seen += 1;
      const { id } = wanted;
      if (store.has(id) || refused.reasonFor(id) !== undefined) job.have(1);
      else if (memory.unserved.has(id)) job.unserved(id);
      else unknown.push(wanted);
    }
    this.#queue = [...unknown, ...this.#queue.slice(seen)];
  }

  async #ask(job: FetchJob, wanted: readonly Wanted[], workers: TaskGroup): Promise<void> {
    const { peer } = this.#parts;
    const { source } = job.listener;
    const ids = wanted.map(({ id }) => id);
    const open = new Set(ids);
    const came = new Set<string>();
    const served = new Set<string>();
    const answer = this.#answerTo(job, served);
    const handedOn = deferred<void>();
    job.handedOn = handedOn.promise;
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
      const outcome = await peer
        .request([{ ids, limit: ids.length }], { source, onEvent }, workers.signal)
        .finally(() => workers.spawn(async () => handedOn.resolve(await answer.end())));
      if (outcome.type === 'gone') throw new PeerGoneError(peer.relay);
      await answer.delivered();
      // That it is overloaded says nothing about these ids.
      if (outcome.type === 'overloaded') this.#putBack(wanted);
      else this.#account(job, wanted, { came, served, failed: outcome.type !== 'ended' });
    } finally {
      this.#claims.release(ids);
    }
  }

  /** Hands on what comes, after what the job asked for before; notes in `served` the ids that are here then. */
  #answerTo(job: FetchJob, served: Set<string>): OldestFirst {
    const { peer, submitter } = this.#parts;
    const before = job.handedOn;
    const way = {
      turn: async () => await this.#inTime(before),
      room: async () => await submitter.room(job.listener.source),
      deliver: async (event: NostrEvent) => await this.#deliver(job, event, served),
    };
    return new OldestFirst(way, peer.held.open());
  }

  async #deliver(job: FetchJob, event: NostrEvent, served: Set<string>): Promise<void> {
    const { submitter, refused, store } = this.#parts;
    const outcome = await submitter.deliver(event, job.listener.source);
    if (outcome === undefined) return;
    // Something that only claims to have the id (a wrong hash or signature) does not account for it.
    // Nor does one that made us fail: it is tried once more, then left for another day.
    const isForged = outcome.type === 'refused' && refused.reasonFor(event.id) === undefined;
    if ((!isForged && outcome.type !== 'failed') || store.has(event.id)) served.add(event.id);
    job.listener.onEvent(event, outcome);
  }

  #account(job: FetchJob, wanted: readonly Wanted[], answer: Parameters<typeof accountFor>[2]): void {
    const { memory } = this.#parts;
    const { estimate, again, unserved } = accountFor(memory.fetchSize, wanted, answer);
    memory.fetchSize = estimate;
    job.have(answer.served.size);
    for (const id of unserved) {
      memory.unserved.add(id);
      job.unserved(id);
    }
    this.#putBack(again.map((each) => ({ ...each, job })));
  }

  #putBack(wanted: readonly Wanted[]): void {
    for (const each of wanted) if (this.#jobs.has(each.job)) this.#queue.push(each);
    this.#wakeup.notify();
  }

  #drop(job: FetchJob): void {
    this.#jobs.delete(job);
    this.#queue = this.#queue.filter((wanted) => wanted.job !== job);
    this.#makeRoom();
  }

  /** Whether as many ids may wait; none always may. */
  #hasRoom(): boolean {
    const isHeld = this.#queueMemory.resize(this.#queue.length * heldIdBytes);
    return this.#queue.length === 0 || (isHeld && !exceeds('downloadQueueIdsMax', this.#queue.length));
  }

  #makeRoom(): void {
    this.#queueMemory.resize(this.#queue.length * heldIdBytes);
    if (this.#queue.length > limits.downloadQueueIdsMax / 2) return;
    this.#room?.resolve();
    this.#room = undefined;
  }

  async #inTime(work: Promise<unknown>): Promise<void> {
    const { clock } = this.#parts;
    await withTimeLimit(clock, 'an answer in its turn', limits.downloadTurnMsMax, work).catch(() => {});
  }
}

function* takeWhile<T>(items: Iterable<T>, holds: (item: T) => boolean): Iterable<T> {
  for (const item of items) {
    if (!holds(item)) return;
    yield item;
  }
}
