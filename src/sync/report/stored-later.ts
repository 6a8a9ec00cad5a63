import type { EventSource } from '../../admission/admission.js';
import { limits } from '../../config/limits.js';
import type { Clock } from '../../lib/clock.js';
import type { SyncLogger } from './logger.js';

/**
 * Events that came by catch-up and were stored when no run of it could count them: refused at first, and taken when what
 * they hang on arrived, or asked for again by then. With them, what is said of catch-up adds up to what is counted.
 */
export class StoredLater {
  readonly #clock: Clock;
  readonly #logger: SyncLogger;
  /** Of all events that catch-up brought: stored, counted by runs, and said here. */
  #stored = 0;
  #counted = 0;
  #said = 0;

  constructor({ clock, logger }: { readonly clock: Clock; readonly logger: SyncLogger }) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** An event is newly stored. */
  stored(source: EventSource['type']): void {
    if (source === 'catchup' || source === 'daily_catchup') this.#stored += 1;
  }

  /** A run of catch-up counted an event as stored. */
  counted(): void {
    this.#counted += 1;
  }

  /** Says how many there were, now and then, until `signal` ends it. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.sleep(limits.storedLaterIntervalMs, signal).catch(() => {});
      this.#say();
    }
  }

  #say(): void {
    const stored = this.#stored - this.#counted - this.#said;
    if (stored <= 0) return;
    this.#said += stored;
    this.#logger.info({ stored }, 'stored what catch-up had brought too early');
  }
}
