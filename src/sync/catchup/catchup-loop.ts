import { setMaxListeners } from 'node:events';
import { limits } from '../../config/limits.js';
import { onAbort } from '../../lib/abort.js';
import { unixSeconds } from '../../lib/clock.js';
import { firstOf, pieces, smallest } from '../../lib/collections/lists.js';
import { TaskGroup } from '../../lib/task-group.js';
import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';
import { Wakeup } from '../../lib/wakeup.js';
import { BatchTurnOverError, BatchUnwantedError, PeerOverloadedError } from '../errors.js';
import type { HostBudget } from '../hosts/host-budget.js';
import type { Transfers } from '../hosts/transfers.js';
import type { SyncLogger } from '../report/logger.js';
import type { RunLogs } from '../report/run-log.js';
import { type CatchupTrigger, catchupTriggers } from '../topics/layers.js';
import { batchesOf } from '../topics/subscription.js';
import type { CatchupBatch, NextCatchup } from '../topics/topic-state.js';
import type { TopicTable } from '../topics/topic-table.js';
import { type BatchParts, BatchRun } from './batch-run.js';
import { nextPace } from './pace.js';

export type CatchupLoopParts = BatchParts & {
  readonly host: HostBudget;
  readonly topics: TopicTable;
  /** The turns of all relays. */
  readonly transfers: Transfers;
  /** See `SyncContext`. */
  readonly turns: WorkTurns;
  readonly logger: SyncLogger;
  readonly logs: RunLogs;
};

/** Times that a batch is tried before it is left for another connection, or the next day. */
const batchFailuresMax = 3;

/**
 * Catch-up on one connection: begins the batches that are due, at the pace that the remote keeps up with, and keeps
 * account of what became of each.
 */
export class CatchupLoop {
  readonly #parts: CatchupLoopParts;
  readonly #wakeup = new Wakeup();
  /** The batches that have their turn, or wait for it, with what ends it. */
  readonly #turns = new Map<CatchupBatch, AbortController>();
  /** Monotonic times before which nothing is begun, no daily batch, and no batch of a reconnect. */
  #paceUntil = 0;
  #dailyUntil = 0;
  readonly #reconnectFrom: number;

  constructor(parts: CatchupLoopParts) {
    this.#parts = parts;
    this.#reconnectFrom = parts.clock.monotonic() + parts.settings.reconnectDelayMs;
  }

  /** Something became due, or ends these batches: nothing of them is wanted any more. */
  wakeUp(ended: readonly CatchupBatch[] = []): void {
    for (const batch of ended) this.#turns.get(batch)?.abort(new BatchUnwantedError(this.#parts.peer.relay));
    this.#wakeup.notify();
  }

  /** Works until `signal` ends it. Rejects when the connection cannot go on. */
  async run(signal: AbortSignal): Promise<void> {
    const batches = new TaskGroup(signal);
    using _ = onAbort(batches.signal, () => this.wakeUp());
    while (!batches.signal.aborted) {
      const next = this.#next();
      if (next === undefined) await this.#rest();
      else this.#begin(next, batches);
    }
    await batches.join();
  }

  /** What may be begun now. Several batches overlap, so that the latency of one hides behind the others. */
  #next(): NextCatchup | undefined {
    const { memory, topics } = this.#parts;
    const running = topics.catchup.running.size;
    if (running >= (memory.pace.waitMs > 0 ? 1 : limits.remoteBatchesMax)) return undefined;
    for (const trigger of catchupTriggers) {
      if (this.#waitMs(trigger) > 0 || (trigger === 'daily' && running > 0)) continue;
      const next = topics.catchup.next(trigger);
      if (next !== undefined) return next;
    }
    return undefined;
  }

  /** How long a trigger has to wait: for the pace, for the batch before (daily), for the connection to prove itself. */
  #waitMs(trigger: CatchupTrigger): number {
    let from = this.#paceUntil;
    if (trigger === 'daily') from = Math.max(from, this.#dailyUntil);
    if (trigger === 'reconnect') from = Math.max(from, this.#reconnectFrom);
    return from - this.#parts.clock.monotonic();
  }

  /** Sleeps until something happens, or until a trigger need not wait any more. */
  async #rest(): Promise<void> {
    const waits = catchupTriggers.map((trigger) => this.#waitMs(trigger)).filter((waitMs) => waitMs > 0);
    const { clock } = this.#parts;
    const cancel = waits.length > 0 ? clock.after(smallest(waits), () => this.wakeUp()) : undefined;
    await this.#wakeup.wait();
    cancel?.();
  }

  /** Begins a batch; what comes next is looked for when it ended. */
  #begin(next: NextCatchup, batches: TaskGroup): void {
    const batch = this.#take(next);
    batches.spawn(async (signal) => {
      await this.#runBatch(batch, signal);
      this.#keepPace(batch.trigger);
      await this.#endRun(batch.trigger);
      this.wakeUp();
    });
  }

  /** The next batch, as large as the limits of the remote allow, or one that was interrupted. */
  #take(next: NextCatchup): CatchupBatch {
    const { topics, peer, settings, clock } = this.#parts;
    if (next.type === 'interrupted') {
      topics.catchup.resumed(next.batch);
      return next.batch;
    }
    const [ofBatch = []] = batchesOf([...firstOf(next.topics, settings.tagsPerFilterMax)], {
      tagsPerFilter: settings.tagsPerFilterMax,
      filtersPerSubscription: 1,
      // Half of a message: the other half carries the first fingerprints.
      messageBytes: peer.limits.messageBytes / 2,
    });
    const lookbackSeconds = Math.ceil(settings.reconnectLookbackMs / 1000);
    return topics.catchup.began(next, ofBatch, { now: unixSeconds(clock), lookbackSeconds });
  }

  /**
   * Runs a batch in its turn among those of all relays. Resolves when it is done, or put back for later because the
   * remote showed strain or others have to have their turn; rejects when the connection cannot go on.
   */
  async #runBatch(batch: CatchupBatch, signal: AbortSignal): Promise<void> {
    const { memory, clock, transfers, host, peer, logs } = this.#parts;
    const run = new BatchRun(this.#parts, batch, logs.of(batch.trigger));
    const turn = new AbortController();
    setMaxListeners(0, turn.signal);
    using _ = onAbort(signal, (reason) => turn.abort(reason));
    this.#turns.set(batch, turn);
    let startedAt = clock.monotonic();
    let overloaded = false;
    const endTurn = () => turn.abort(new BatchTurnOverError(peer.relay));
    try {
      await transfers.use({ host, progress: () => peer.progress, endTurn }, turn.signal, async () => {
        startedAt = clock.monotonic();
        // One that takes too long makes room for other relays, and goes on later.
        const cancel = clock.after(limits.catchupBatchMsMax, endTurn);
        await run.run(turn.signal).finally(cancel);
      });
      this.#finish(batch);
    } catch (error) {
      overloaded = this.#putBack(batch, error);
    } finally {
      this.#turns.delete(batch);
    }
    const msPerRequest = (clock.monotonic() - startedAt) / Math.max(1, run.requests);
    memory.pace = nextPace(memory.pace, { overloaded, msPerRequest });
  }

  #finish(batch: CatchupBatch): void {
    const { topics, scope, onEverythingUnfit } = this.#parts;
    topics.catchup.done(batch);
    if (batch.layer === 'everything' && !scope.prove()) onEverythingUnfit(limits.everythingRetryMs);
  }

  /** Keeps a batch that is not done for later. Returns whether the remote showed strain. */
  #putBack(batch: CatchupBatch, error: unknown): boolean {
    const { topics, logs, logger, peer } = this.#parts;
    const overloaded = error instanceof PeerOverloadedError;
    if (overloaded) batch.failures += 1;
    if (batch.failures < batchFailuresMax) topics.catchup.interrupted(batch);
    else if (topics.catchup.gaveUp(batch)) logs.of(batch.trigger).gaveUp();
    if (overloaded) {
      const details = { relay: peer.relay, reason: error.message, failures: batch.failures };
      logger.debug(details, 'catch-up is held up');
    } else if (!(error instanceof BatchTurnOverError || error instanceof BatchUnwantedError)) throw error;
    return overloaded;
  }

  #keepPace(trigger: CatchupTrigger): void {
    const { clock, memory, settings } = this.#parts;
    const now = clock.monotonic();
    this.#paceUntil = now + memory.pace.waitMs;
    if (trigger === 'daily') this.#dailyUntil = now + settings.batchDelayMs;
  }

  /** Says what a catch-up found, when nothing is left of it. */
  async #endRun(trigger: CatchupTrigger): Promise<void> {
    const { scope, memory, topics, logs, peerMissing } = this.#parts;
    if (!topics.catchup.isOver(trigger)) return;
    await peerMissing.settled();
    if (!topics.catchup.isOver(trigger)) return;
    // What is new was caught up after all else: how old the oldest is does not change by it.
    const isNews = trigger === 'start' && memory.lastCompleteAt !== undefined;
    if (!isNews && !scope.isNarrow && catchupTriggers.every((each) => topics.catchup.isOver(each))) {
      memory.lastCompleteAt = (await this.#oldestDoneAt()) ?? memory.lastCompleteAt;
      if (!topics.catchup.isOver(trigger)) return;
    }
    logs.end(trigger);
  }

  /** As of when all that is wanted is done, found in as many turns as that takes; `undefined` when something never was. */
  async #oldestDoneAt(): Promise<number | undefined> {
    const { scope, topics, turns } = this.#parts;
    let oldest: number | undefined;
    for (const piece of pieces(scope.topics(), limits.syncTopicsPerPieceMax)) {
      const at = topics.oldestDoneAt(piece);
      if (at === undefined) return undefined;
      oldest = Math.min(oldest ?? at, at);
      if (turns.isOver) await turns.next();
    }
    return oldest;
  }
}
