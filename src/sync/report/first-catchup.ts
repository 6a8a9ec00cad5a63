import type { EventSource } from '../../admission/admission.js';
import { limits } from '../../config/limits.js';
import { type Clock, secondMs } from '../../lib/clock.js';
import type { SyncLogger } from './logger.js';

/** How far the relays that are followed are. */
export type CatchupState = {
  /** Relays that are followed; of them those that are connected, and those of which everything is here. */
  readonly tracked: number;
  readonly connected: number;
  readonly complete: number;
  /** Whether each of them is complete or cannot be reached. */
  readonly isOver: boolean;
  /** Events that are known to be missing, and wait to be asked for. */
  readonly waiting: number;
};

/** How far the first catch-up after a start is. */
export type CatchupProgress = {
  readonly isOver: boolean;
  /** Events that it brought and that are stored; and those of them and of what is known to be missing. */
  readonly stored: number;
  readonly expected: number;
  /** As the last seconds went; `undefined` while nothing comes. */
  readonly secondsLeft: number | undefined;
};

/**
 * Says how far the first catch-up after a start is, now and then, until it is over: an operator sees that it goes on, and
 * for how long it will.
 */
export class FirstCatchup {
  readonly #clock: Clock;
  readonly #logger: SyncLogger;
  readonly #state: () => CatchupState;
  #stored = 0;
  /** Events that were stored in the last interval. */
  #storedLately = 0;
  #isOver = false;

  constructor(
    { clock, logger }: { readonly clock: Clock; readonly logger: SyncLogger },
    state: () => CatchupState,
  ) {
    this.#clock = clock;
    this.#logger = logger;
    this.#state = state;
  }

  /** An event is newly stored. */
  stored(source: EventSource['type']): void {
    if (source === 'catchup' && !this.#isOver) this.#stored += 1;
  }

  progress(): CatchupProgress {
    const waiting = this.#isOver ? 0 : this.#state().waiting;
    const intervals = this.#storedLately === 0 ? undefined : waiting / this.#storedLately;
    return {
      isOver: this.#isOver,
      stored: this.#stored,
      expected: this.#stored + waiting,
      secondsLeft:
        intervals === undefined || this.#isOver
          ? undefined
          : Math.round((intervals * limits.firstCatchupLogIntervalMs) / secondMs),
    };
  }

  /** Ends when the catch-up is over, or `signal` ends it. */
  async run(signal: AbortSignal): Promise<void> {
    const beganAt = this.#clock.monotonic();
    for (let before = 0; ; before = this.#stored) {
      await this.#clock.sleep(limits.firstCatchupLogIntervalMs, signal).catch(() => {});
      if (signal.aborted) return;
      const { isOver, waiting: _, ...relays } = this.#state();
      this.#storedLately = this.#stored - before;
      if (isOver) {
        this.#isOver = true;
        const seconds = Math.round((this.#clock.monotonic() - beganAt) / secondMs);
        this.#logger.info({ relays, stored: this.#stored, seconds }, 'caught up with all relays that answer');
        return;
      }
      // One that refuses everything is not told of again and again.
      if (this.#storedLately > 0) {
        const { stored, expected, secondsLeft } = this.progress();
        this.#logger.info({ relays, stored, expected, secondsLeft }, 'catching up');
      }
    }
  }
}
