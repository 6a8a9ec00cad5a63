import { limits } from '../config/limits.js';
import { backoffMs } from '../lib/backoff.js';
import type { Clock } from '../lib/clock.js';
import { type FetchFailure, isWasteful } from './remote.js';

/**
 * The servers that are left alone for one repository, by URL: what they sent was taken for nothing, and would be again at
 * each try. Only for that repository, for it is what it asks for that decides: whoever names the server of another harms
 * nobody.
 */
export class ServerRests {
  readonly #clock: Clock;
  /** Those that failed last come last. */
  readonly #rests = new Map<string, { readonly failures: number; readonly until: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How long a server is left alone still, in milliseconds. */
  restMs(url: string): number {
    return Math.max(0, (this.#rests.get(url)?.until ?? 0) - this.#clock.monotonic());
  }

  /** A server gave something. */
  served(url: string): void {
    this.#rests.delete(url);
  }

  failed(url: string, failure: FetchFailure): void {
    if (!isWasteful(failure)) return;
    const failures = (this.#rests.get(url)?.failures ?? 0) + 1;
    const restMs = backoffMs(failures - 1, limits.gitServerRestMsMin, limits.gitServerRestMsMax);
    this.#rests.delete(url);
    this.#rests.set(url, { failures, until: this.#clock.monotonic() + restMs });
    if (this.#rests.size > limits.gitServerRestsMax) {
      const [oldest] = this.#rests.keys();
      if (oldest !== undefined) this.#rests.delete(oldest);
    }
  }
}
