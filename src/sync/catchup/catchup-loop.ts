import { limits } from '../../config/limits.js';
import { onAbort } from '../../lib/abort.js';
import type { Clock } from '../../lib/clock.js';
import { smallest } from '../../lib/collections/lists.js';
import { TaskGroup } from '../../lib/task-group.js';
import { Wakeup } from '../../lib/wakeup.js';
import type { RunLogs } from '../report/run-log.js';
import type { SyncSettings } from '../settings.js';
import {
  type CatchupBatch,
  type CatchupTrigger,
  catchupTriggers,
  type NextCatchup,
} from '../topics/catchup-batch.js';
import type { RelayScope } from '../topics/scope.js';
import type { BatchTurns } from './batch-turn.js';
import type { CatchupMemory } from './catchup-memory.js';
import type { PeerMissing } from './peer-missing.js';

export type CatchupLoopParts = {
  readonly context: {
    readonly clock: Clock;
    readonly settings: Pick<SyncSettings, 'reconnectDelayMs' | 'batchDelayMs'>;
  };
  readonly memory: CatchupMemory;
  readonly scope: RelayScope;
  readonly turns: BatchTurns;
  readonly logs: RunLogs;
  readonly peerMissing: PeerMissing;
};

/** Catch-up on one connection: begins the batches that are due, at the pace that the remote keeps up with. */
export class CatchupLoop {
  readonly #parts: CatchupLoopParts;
  readonly #wakeup = new Wakeup();
  /** Monotonic times before which nothing is begun, no daily batch, and no batch of a reconnect. */
  #paceUntil = 0;
  #dailyUntil = 0;
  readonly #reconnectFrom: number;

  constructor(parts: CatchupLoopParts) {
    this.#parts = parts;
    this.#reconnectFrom = parts.context.clock.monotonic() + parts.context.settings.reconnectDelayMs;
  }

  /** Something became due, or ends these batches: nothing of them is wanted any more. */
  wakeUp(ended: readonly CatchupBatch[] = []): void {
    this.#parts.turns.cancel(ended);
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
    const { topics, pace } = this.#parts.memory;
    const running = topics.catchup.running.size;
    if (running >= (pace.waitMs > 0 ? 1 : limits.remoteBatchesMax)) return undefined;
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
    return from - this.#parts.context.clock.monotonic();
  }

  /** Sleeps until something happens, or until a trigger need not wait any more. */
  async #rest(): Promise<void> {
    const waits = catchupTriggers.map((trigger) => this.#waitMs(trigger)).filter((waitMs) => waitMs > 0);
    const { clock } = this.#parts.context;
    const cancel = waits.length > 0 ? clock.after(smallest(waits), () => this.wakeUp()) : undefined;
    await this.#wakeup.wait();
    cancel?.();
  }

  /** Begins a batch; what comes next is looked for when it ended. */
  #begin(next: NextCatchup, batches: TaskGroup): void {
    const { turns } = this.#parts;
    const batch = turns.take(next);
    batches.spawn(async (signal) => {
      await turns.run(batch, signal);
      this.#keepPace(batch.trigger);
      await this.#endRun(batch.trigger);
      this.wakeUp();
    });
  }

  #keepPace(trigger: CatchupTrigger): void {
    const { context, memory } = this.#parts;
    const now = context.clock.monotonic();
    this.#paceUntil = now + memory.pace.waitMs;
    if (trigger === 'daily') this.#dailyUntil = now + context.settings.batchDelayMs;
  }

  /** Says what a catch-up found, when nothing is left of it. */
  async #endRun(trigger: CatchupTrigger): Promise<void> {
    const { scope, memory, logs, peerMissing } = this.#parts;
    const { topics } = memory;
    if (!topics.catchup.isOver(trigger)) return;
    await peerMissing.settled();
    if (!topics.catchup.isOver(trigger)) return;
    // What is new was caught up after all else: how old the oldest is does not change by it.
    const isNews = trigger === 'start' && memory.lastCompleteAt !== undefined;
    if (!isNews && catchupTriggers.every((each) => topics.catchup.isOver(each))) {
      memory.lastCompleteAt = topics.oldestDoneAt(scope.topics()) ?? memory.lastCompleteAt;
    }
    logs.end(trigger);
  }
}
