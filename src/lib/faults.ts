import type { Logger } from 'pino';
import type { Clock } from './clock.js';
import { errorMessage } from './errors.js';

/** For whom callbacks work. */
export const faultOwners = ['client', 'remote', 'request', 'timer', 'worker', 'log'] as const;

/** For whom a callback worked that threw. */
export type FaultOwner = (typeof faultOwners)[number];

/**
 * The faults of callbacks that nobody waits for: those of sockets, streams, timers, workers and processes. What one of
 * them throws would end the process; here it is logged and counted, and ends the one thing that it worked for.
 */
export class Faults {
  readonly #logger: Pick<Logger, 'error'>;
  readonly #counts = new Map<FaultOwner, number>();

  constructor(logger: Pick<Logger, 'error'>) {
    this.#logger = logger;
  }

  /** How many there were. */
  get counts(): ReadonlyMap<FaultOwner, number> {
    return this.#counts;
  }

  /** Counts a fault that cannot be logged. */
  count(owner: FaultOwner): void {
    this.#counts.set(owner, (this.#counts.get(owner) ?? 0) + 1);
  }

  note(owner: FaultOwner, error: unknown): void {
    this.count(owner);
    const stack = error instanceof Error ? error.stack : undefined;
    this.#logger.error({ owner, reason: errorMessage(error), stack }, 'a callback failed');
  }

  /** The callback, for an emitter: what it throws is noted, and `end` ends what it worked for. */
  guard<Arguments extends unknown[]>(
    owner: FaultOwner,
    end: () => void,
    callback: (...values: Arguments) => void,
  ): (...values: Arguments) => void {
    return (...values) => {
      try {
        // biome-ignore lint/plugin: as many as the callback itself is called with.
        callback(...values);
      } catch (error) {
        this.note(owner, error);
        this.#attempt(owner, end);
      }
    };
  }

  #attempt(owner: FaultOwner, end: () => void): void {
    try {
      end();
    } catch (error) {
      this.note(owner, error);
    }
  }
}

/** A clock whose timers, where nobody else owns what their tasks throw, end by themselves with it. */
export function withGuardedTimers(clock: Clock, faults: Faults): Clock {
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    sleep: (delayMs, signal) => clock.sleep(delayMs, signal),
    after: (delayMs, task) =>
      clock.after(
        delayMs,
        faults.guard('timer', () => {}, task),
      ),
  };
}
