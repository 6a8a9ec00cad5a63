import type { Clock } from '../lib/clock.js';

/** Allows `perMinute` takes a minute, as many of them at once, refilled steadily. */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #perMinute: number;
  #tokens: number;
  #filledAtMs: number;

  constructor(clock: Clock, perMinute: number) {
    this.#clock = clock;
    this.#perMinute = perMinute;
    this.#tokens = perMinute;
    this.#filledAtMs = clock.monotonic();
  }

  /** Takes one; `false` when there is none. */
  take(): boolean {
    const nowMs = this.#clock.monotonic();
    const refill = ((nowMs - this.#filledAtMs) * this.#perMinute) / 60_000;
    this.#tokens = Math.min(this.#perMinute, this.#tokens + refill);
    this.#filledAtMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
