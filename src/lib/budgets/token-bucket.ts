import type { Clock } from '../clock.js';

/** Allows `perMinute` takes a minute, refilled steadily, and `atOnceMax` of them at once: as many, by default. */
export class TokenBucket {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #perMinute: number;
  readonly #atOnceMax: number;
  #tokens: number;
  #filledAtMs: number;

  constructor(clock: Pick<Clock, 'monotonic'>, perMinute: number, atOnceMax = perMinute) {
    this.#clock = clock;
    this.#perMinute = perMinute;
    this.#atOnceMax = atOnceMax;
    this.#tokens = atOnceMax;
    this.#filledAtMs = clock.monotonic();
  }

  /** Whether there is one to take. */
  get hasOne(): boolean {
    this.#fill();
    return this.#tokens >= 1;
  }

  /** Whether more was spent than there was. */
  get isOverspent(): boolean {
    this.#fill();
    return this.#tokens < 0;
  }

  /** How long until there is one to take. */
  get waitMs(): number {
    this.#fill();
    return Math.ceil((Math.max(0, 1 - this.#tokens) * 60_000) / this.#perMinute);
  }

  /** Whether nothing was taken lately. */
  get isFull(): boolean {
    this.#fill();
    return this.#tokens === this.#atOnceMax;
  }

  /** Takes one; `false` when there is none. */
  take(): boolean {
    if (!this.hasOne) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Takes what was used already, also what is not there yet: then there is none until as much was refilled. */
  spend(amount: number): void {
    this.#fill();
    this.#tokens -= amount;
  }

  #fill(): void {
    const nowMs = this.#clock.monotonic();
    const refill = ((nowMs - this.#filledAtMs) * this.#perMinute) / 60_000;
    this.#tokens = Math.min(this.#atOnceMax, this.#tokens + refill);
    this.#filledAtMs = nowMs;
  }
}
