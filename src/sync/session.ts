import { setMaxListeners } from 'node:events';
import { limits } from '../config/limits.js';
import { unixSeconds } from '../lib/clock.js';
import { BatchRun } from './batch-run.js';
import { type CatchupTrigger, catchupTriggers } from './catchup.js';
import { batchSince, type CatchupBatch, type NextCatchup } from './catchup-queue.js';
import { Downloader } from './download.js';
import type { OrderListener } from './download-order.js';
import { BatchTurnOverError, PeerStrainedError } from './errors.js';
import type { Inlet } from './inlet.js';
import type { Topic } from './layers.js';
import { LiveSync } from './live.js';
import { nextPace } from './pace.js';
import type { Peer } from './peer.js';
import { PeerMissing } from './peer-missing.js';
import type { RelayMemory } from './relay-memory.js';
import { RunLog } from './run-log.js';
import { batchesOf } from './subscription.js';
import type { SyncContext } from './sync-context.js';
import { TaskGroup } from './tasks.js';
import { Wakeup } from './wakeup.js';

/** Times that a batch is tried on one connection before it is left for the next one, or the next day. */
const batchFailuresMax = 3;

export type SessionParts = {
  readonly context: SyncContext;
  readonly relay: string;
  readonly peer: Peer;
  readonly inlet: Inlet;
  readonly memory: RelayMemory;
  readonly onUpdating: (isUpdating: boolean) => void;
};

/**
 * What happens on one connection: live subscriptions first, then, for all that they cover, catch-up, batch by batch.
 */
export class Session {
  readonly #parts: SessionParts;
  readonly #live: LiveSync;
  readonly #downloader: Downloader;
  readonly #peerMissing: PeerMissing;
  readonly #settled = new Set<Topic>();
  readonly #connectedAt: number;
  /** Monotonic times before which catch-up does nothing, no daily batch, and no batch of a reconnect. */
  #paceUntil = 0;
  #dailyUntil = 0;
  readonly #reconnectFrom: number;
  readonly #wakeup = new Wakeup();
  /** The batches that are under way. */
  readonly #running = new Set<CatchupBatch>();
  readonly #logs = new Map<CatchupTrigger, RunLog>();

  constructor(parts: SessionParts) {
    const { context, relay, peer, inlet, memory } = parts;
    this.#parts = parts;
    this.#connectedAt = context.clock.monotonic();
    this.#reconnectFrom = this.#connectedAt + context.settings.reconnectDelayMs;
    this.#live = new LiveSync({
      ...context,
      peer,
      inlet,
      ledger: memory.ledger,
      onSettled: (topics) => this.#onSettled(topics),
      onUpdating: parts.onUpdating,
    });
    this.#downloader = new Downloader({ ...context, peer, inlet, memory });
    this.#peerMissing = new PeerMissing(relay, context.store, context.filters);
  }

  get liveFilters(): number {
    return this.#live.filters;
  }

  get liveSubscriptions(): number {
    return this.#live.subscriptions;
  }

  get uncoveredTopics(): number {
    return this.#live.uncovered;
  }

  get queuedDownloads(): number {
    return this.#downloader.queued;
  }

  /** Works until the connection or `signal` ends. Rejects only when we ourselves failed. */
  async run(signal: AbortSignal): Promise<void> {
    const { peer, context, relay } = this.#parts;
    const tasks = new TaskGroup(signal);
    const guarded = (work: (signal: AbortSignal) => Promise<void>) => {
      tasks.spawn(async (inner) => {
        try {
          await work(inner);
        } catch (error) {
          if (!this.#endsQuietly(error)) throw error;
        }
      });
    };
    tasks.spawn(async (inner) => {
      await peer.run(inner);
      tasks.cancel();
    });
    this.#live.add(context.filters.topicsOf(relay));
    guarded(async (inner) => await this.#live.run(inner));
    guarded(async (inner) => await this.#downloader.run(inner));
    guarded(async (inner) => await this.#catchUp(inner));
    await tasks.join();
    await this.#peerMissing.settled();
    for (const log of this.#logs.values()) log.interrupt();
  }

  /** Takes changes of what the relay is to be asked about. */
  update(added: readonly Topic[], removed: readonly Topic[]): void {
    for (const topic of removed) this.#settled.delete(topic);
    this.#live.remove(removed);
    this.#live.add(added);
  }

  /** Something was put into the queue of catch-up. */
  wakeUp(): void {
    this.#wakeup.notify();
  }

  /** Downloads ids outside of any catch-up; returns those that the relay does not serve. */
  async fetch(ids: readonly string[], signal: AbortSignal): Promise<string[]> {
    const unserved: string[] = [];
    const listener: OrderListener = {
      source: 'catchup',
      onEvent: () => {},
      onUnserved: (id) => unserved.push(id),
    };
    await this.#downloader.withOrder(listener, async (order) => {
      await order.add(ids);
      await order.finish(signal);
    });
    return unserved;
  }

  /** The connection's end, and the remote's refusal to let us in, end a session; they are no fault of ours. */
  #endsQuietly(error: unknown): boolean {
    const { peer } = this.#parts;
    peer.refuse(error);
    return peer.isEnded;
  }

  #onSettled(topics: readonly Topic[]): void {
    const { memory } = this.#parts;
    for (const topic of topics) this.#settled.add(topic);
    const known = topics.filter((topic) => memory.ledger.doneAt(topic) !== undefined);
    const unknown = topics.filter((topic) => memory.ledger.doneAt(topic) === undefined);
    memory.queue.add(unknown, 'start');
    memory.queue.add(known, 'reconnect');
    this.wakeUp();
  }

  async #catchUp(signal: AbortSignal): Promise<void> {
    const batches = new TaskGroup(signal);
    batches.signal.addEventListener('abort', () => this.wakeUp(), { once: true });
    while (!batches.signal.aborted) {
      const next = this.#next();
      if (next === undefined) await this.#rest();
      else this.#start(next, batches);
    }
    await batches.join();
  }

  /** What may be begun now. Several batches overlap, so that the latency of one hides behind the others. */
  #next(): NextCatchup | undefined {
    const { memory } = this.#parts;
    const batchesMax = memory.pace.waitMs > 0 ? 1 : limits.remoteBatchesMax;
    if (this.#running.size >= batchesMax) return undefined;
    return memory.queue.next(
      (trigger) => this.#waitMs(trigger) <= 0 && (trigger !== 'daily' || this.#running.size === 0),
      (topic) => this.#isSettled(topic),
    );
  }

  /** Begins a batch; what comes next is looked for when it ended. */
  #start(next: NextCatchup, batches: TaskGroup): void {
    const batch = this.#take(next);
    this.#running.add(batch);
    batches.spawn(async (signal) => {
      await this.#runBatch(batch, signal);
      this.wakeUp();
    });
  }

  /** Whether catch-up with a topic may begin; what is not wanted any more holds nothing up. */
  #isSettled(topic: Topic): boolean {
    const { context, relay } = this.#parts;
    return this.#settled.has(topic) || !context.filters.wants(relay, topic);
  }

  /** How long a trigger has to wait: for the pace, for the batch before (daily), for the connection to prove itself. */
  #waitMs(trigger: CatchupTrigger): number {
    let from = this.#paceUntil;
    if (trigger === 'daily') from = Math.max(from, this.#dailyUntil);
    if (trigger === 'reconnect') from = Math.max(from, this.#reconnectFrom);
    return from - this.#parts.context.clock.monotonic();
  }

  /** Sleeps until something is added to the queue, or until a trigger need not wait any more. */
  async #rest(): Promise<void> {
    const waits = catchupTriggers.map((trigger) => this.#waitMs(trigger)).filter((waitMs) => waitMs > 0);
    const { clock } = this.#parts.context;
    const cancel = waits.length > 0 ? clock.after(Math.min(...waits), () => this.wakeUp()) : undefined;
    await this.#wakeup.wait();
    cancel?.();
  }

  async #runBatch(batch: CatchupBatch, signal: AbortSignal): Promise<void> {
    const { context, memory } = this.#parts;
    const log = this.#logOf(batch.trigger);
    const run = new BatchRun(
      {
        ...context,
        peer: this.#parts.peer,
        memory,
        inlet: this.#parts.inlet,
        downloader: this.#downloader,
        peerMissing: this.#peerMissing,
      },
      batch,
      log,
    );
    const { clock } = context;
    let startedAt = clock.monotonic();
    let isStrained = false;
    try {
      await context.transfers.use(signal, async () => {
        startedAt = clock.monotonic();
        await this.#runWithin(run, signal);
      });
      this.#finish(batch);
    } catch (error) {
      isStrained = this.#putBack(batch, error);
    } finally {
      this.#running.delete(batch);
    }
    const msPerRequest = (clock.monotonic() - startedAt) / Math.max(1, run.requests);
    memory.pace = nextPace(memory.pace, { strained: isStrained, msPerRequest });
    const now = clock.monotonic();
    this.#paceUntil = now + memory.pace.waitMs;
    if (batch.trigger === 'daily') this.#dailyUntil = now + context.settings.batchDelayMs;
    await this.#endRun(batch.trigger);
  }

  /** Forms the next batch, as large as the limits of the remote allow. */
  #take(next: NextCatchup): CatchupBatch {
    const { context, memory, peer } = this.#parts;
    if (next.type === 'interrupted') {
      memory.queue.resume(next.batch);
      return next.batch;
    }
    const { settings, clock } = context;
    const candidates = [...take(next.topics, settings.tagsPerFilterMax)];
    const [topics = []] = batchesOf(candidates, {
      tagsPerFilter: settings.tagsPerFilterMax,
      filtersPerSubscription: 1,
      // Half of a message: the other half carries the first fingerprints.
      messageBytes: peer.limits.messageBytes / 2,
    });
    memory.queue.remove(topics);
    const now = unixSeconds(clock);
    const doneAt = memory.ledger.oldestDoneAt(topics);
    const since = batchSince(next.trigger, doneAt, now, Math.ceil(settings.reconnectLookbackMs / 1000));
    return {
      trigger: next.trigger,
      layer: next.layer,
      topics,
      since,
      startedAt: now,
      pagings: new Map(),
      failures: 0,
    };
  }

  /** A batch that takes too long makes room for other relays, and goes on later. */
  async #runWithin(run: BatchRun, signal: AbortSignal): Promise<void> {
    const { context, relay } = this.#parts;
    const limit = new AbortController();
    setMaxListeners(0, limit.signal);
    const onAbort = () => limit.abort(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    const cancel = context.clock.after(limits.catchupBatchMsMax, () =>
      limit.abort(new BatchTurnOverError(relay)),
    );
    try {
      await run.run(limit.signal);
    } finally {
      cancel();
      signal.removeEventListener('abort', onAbort);
    }
  }

  #finish(batch: CatchupBatch): void {
    const { context, memory, relay } = this.#parts;
    const wanted = batch.topics.filter((topic) => context.filters.wants(relay, topic));
    memory.ledger.done(wanted, batch.startedAt);
    // Begun on an earlier connection: what came between the two is still to be fetched.
    const connectedSeconds =
      unixSeconds(context.clock) - (context.clock.monotonic() - this.#connectedAt) / 1000;
    if (batch.startedAt < Math.floor(connectedSeconds)) memory.queue.add(wanted, 'reconnect');
  }

  /** Keeps a batch that is not done for later. Returns whether the remote showed strain. */
  #putBack(batch: CatchupBatch, error: unknown): boolean {
    const { context, memory, relay } = this.#parts;
    const isStrained = error instanceof PeerStrainedError;
    if (isStrained) batch.failures += 1;
    if (batch.failures < batchFailuresMax) memory.queue.putBack(batch);
    else this.#logOf(batch.trigger).gaveUp();
    if (isStrained) {
      context.logger.debug({ relay, reason: error.message, failures: batch.failures }, 'catch-up is held up');
      return true;
    }
    if (error instanceof BatchTurnOverError) return false;
    throw error;
  }

  #logOf(trigger: CatchupTrigger): RunLog {
    const { context, relay, memory } = this.#parts;
    const begun = this.#logs.get(trigger);
    if (begun !== undefined) return begun;
    const isIncremental = trigger === 'start' && memory.lastCompleteAt !== undefined;
    const log = new RunLog({
      ...context,
      relay,
      trigger,
      isIncremental,
      startedAt: context.clock.monotonic(),
    });
    this.#logs.set(trigger, log);
    return log;
  }

  /** Whether nothing waits, and nothing is under way, that `trigger` set off. */
  #isOver(trigger: CatchupTrigger): boolean {
    const isRunning = [...this.#running].some((batch) => batch.trigger === trigger);
    return !isRunning && this.#parts.memory.queue.isEmptyOf(trigger);
  }

  /** Says what a catch-up found, when nothing is left of it. */
  async #endRun(trigger: CatchupTrigger): Promise<void> {
    const { context, memory, relay } = this.#parts;
    if (!this.#isOver(trigger)) return;
    await this.#peerMissing.settled();
    if (!this.#isOver(trigger)) return;
    if (memory.queue.size === 0 && this.#running.size === 0) {
      memory.lastCompleteAt =
        memory.ledger.oldestDoneAt(context.filters.topicsOf(relay)) ?? memory.lastCompleteAt;
    }
    this.#logs.get(trigger)?.end(context.clock.monotonic(), memory.lastCompleteAt);
    this.#logs.delete(trigger);
  }
}

function* take<T>(items: Iterable<T>, count: number): Iterable<T> {
  let left = count;
  for (const item of items) {
    if (left-- <= 0) return;
    yield item;
  }
}
