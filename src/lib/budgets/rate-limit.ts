import type { Clock } from '../clock.js';
import { TokenBucket } from './token-bucket.js';

/** A token bucket whose rate is asked for at each use, and may be lifted: a new rate begins with a full bucket. */
export class RateLimit {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #perMinute: () => number | undefined;
  #rate: number | undefined;
  #bucket: TokenBucket | undefined;

  /** `perMinute` answers how many may be taken in a minute; `undefined` is no limit. */
  constructor(clock: Pick<Clock, 'monotonic'>, perMinute: () => number | undefined) {
    this.#clock = clock;
    this.#perMinute = perMinute;
  }

  /** Whether there is one to take. */
  get hasOne(): boolean {
    return this.#current()?.hasOne ?? true;
  }

  /** Whether nothing was taken lately. */
  get isFull(): boolean {
    return this.#current()?.isFull ?? true;
  }

  /** Takes one; `false` when there is none. */
  take(): boolean {
    return this.#current()?.take() ?? true;
  }

  /** Takes what was used already, also what is not there yet. */
  spend(count: number): void {
    this.#current()?.spend(count);
  }

  #current(): TokenBucket | undefined {
    const rate = this.#perMinute();
    if (rate !== this.#rate) {
      this.#rate = rate;
      this.#bucket = rate === undefined ? undefined : new TokenBucket(this.#clock, rate);
    }
    return this.#bucket;
  }
}
