import type { Clock } from '../../lib/clock.js';
import type { CatchupTrigger } from '../topics/catchup-trigger.js';
import type { SyncLogger } from './logger.js';
import type { SyncMetrics } from './metrics.js';
import { RunLog } from './run-log.js';
import type { StoredLater } from './stored-later.js';

/** The logs of the catch-ups that are under way on one connection, one for each trigger. */
export class RunLogs {
  readonly #parts: {
    readonly relay: string;
    readonly clock: Clock;
    readonly logger: SyncLogger;
    readonly metrics: SyncMetrics;
    readonly later: Pick<StoredLater, 'counted'>;
    readonly memory: { readonly lastCompleteAt: number | undefined };
  };
  readonly #logs = new Map<CatchupTrigger, RunLog>();

  constructor(parts: {
    readonly relay: string;
    readonly clock: Clock;
    readonly logger: SyncLogger;
    readonly metrics: SyncMetrics;
    readonly later: Pick<StoredLater, 'counted'>;
    readonly memory: { readonly lastCompleteAt: number | undefined };
  }) {
    this.#parts = parts;
  }

  /** The log of a trigger, begun now if there is none. */
  of(trigger: CatchupTrigger): RunLog {
    const begun = this.#logs.get(trigger);
    if (begun !== undefined) return begun;
    const { clock, memory } = this.#parts;
    const isIncremental = trigger === 'start' && memory.lastCompleteAt !== undefined;
    const log = new RunLog({ ...this.#parts, trigger, isIncremental, startedAt: clock.monotonic() });
    this.#logs.set(trigger, log);
    return log;
  }

  /** Nothing is left of what a trigger set off. */
  end(trigger: CatchupTrigger): void {
    const { clock, memory } = this.#parts;
    this.#logs.get(trigger)?.end(clock.monotonic(), memory.lastCompleteAt);
    this.#logs.delete(trigger);
  }

  /** The connection ended. */
  interrupt(): void {
    for (const log of this.#logs.values()) log.interrupt();
    this.#logs.clear();
  }
}
