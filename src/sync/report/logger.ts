import { limits } from '../../config/limits.js';
import { TokenBucket } from '../../lib/budgets/token-bucket.js';
import type { Clock } from '../../lib/clock.js';

/** What sync needs of a logger: pino's shape, details first. Event content is never among the details. */
export type SyncLogger = {
  debug(details: object, message: string): void;
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
};

/**
 * The same log for lines that strangers can cause, by the relays that they name: so many a minute are written as they are.
 * The others are on `debug`, and the next line says how many they were.
 */
export class StrangersLogger implements SyncLogger {
  readonly #logger: SyncLogger;
  readonly #lines: TokenBucket;
  #leftOut = 0;

  constructor(logger: SyncLogger, clock: Pick<Clock, 'monotonic'>) {
    this.#logger = logger;
    this.#lines = new TokenBucket(clock, limits.strangersLogLinesPerMinute);
  }

  debug(details: object, message: string): void {
    this.#logger.debug(details, message);
  }

  info(details: object, message: string): void {
    this.#write('info', details, message);
  }

  warn(details: object, message: string): void {
    this.#write('warn', details, message);
  }

  error(details: object, message: string): void {
    this.#write('error', details, message);
  }

  #write(level: 'info' | 'warn' | 'error', details: object, message: string): void {
    if (!this.#lines.take()) {
      this.#leftOut += 1;
      this.#logger.debug(details, message);
      return;
    }
    if (this.#leftOut > 0) {
      this.#logger.warn({ lines: this.#leftOut }, 'lines about relays that others name are on debug only');
      this.#leftOut = 0;
    }
    this.#logger[level](details, message);
  }
}
