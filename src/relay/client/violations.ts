import { limits } from '../../config/limits.js';
import { TokenBucket } from '../../lib/budgets/token-bucket.js';
import type { Clock } from '../../lib/clock.js';

/**
 * The messages of one client that cannot be read. They count by number, by bytes and by the time that they took, for any of
 * these may be what they are sent for.
 */
export class Violations {
  readonly #count: TokenBucket;
  readonly #bytes: TokenBucket;
  readonly #ms: TokenBucket;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#count = new TokenBucket(clock, limits.clientViolationsPerMinuteMax);
    this.#bytes = new TokenBucket(clock, limits.clientViolationBytesPerMinuteMax);
    this.#ms = new TokenBucket(clock, limits.clientViolationMsPerMinuteMax);
  }

  /** Notes one, of that many bytes, which took that long to read; whether it is too much by now. */
  note(bytes: number, ms: number): boolean {
    this.#count.spend(1);
    this.#bytes.spend(bytes);
    this.#ms.spend(ms);
    return this.#count.isOverspent || this.#bytes.isOverspent || this.#ms.isOverspent;
  }
}
