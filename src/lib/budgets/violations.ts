import type { Clock } from '../clock.js';
import { TokenBucket } from './token-bucket.js';

/** How many messages of a minute may be unreadable, of how many bytes, and how long reading them may take. */
export type ViolationLimits = {
  readonly perMinuteMax: number;
  /** Messages above a rate that count as one of them. */
  readonly refusalsPerViolation: number;
  readonly bytesPerMinuteMax: number;
  readonly msPerMinuteMax: number;
};

/**
 * The messages that cannot be read, of one client or of one address. They count by number, by bytes and by the time that
 * they took, for any of these may be what they are sent for. So do, for less, those that are refused for a rate.
 */
export class Violations {
  readonly #limits: ViolationLimits;
  readonly #count: TokenBucket;
  readonly #bytes: TokenBucket;
  readonly #ms: TokenBucket;

  constructor(clock: Pick<Clock, 'monotonic'>, limits: ViolationLimits) {
    this.#limits = limits;
    this.#count = new TokenBucket(clock, limits.perMinuteMax);
    this.#bytes = new TokenBucket(clock, limits.bytesPerMinuteMax);
    this.#ms = new TokenBucket(clock, limits.msPerMinuteMax);
  }

  /** Whether there were none lately. */
  get areForgotten(): boolean {
    return this.#count.isFull && this.#bytes.isFull && this.#ms.isFull;
  }

  /** Whether there were too many. */
  get areTooMany(): boolean {
    return this.#count.isOverspent || this.#bytes.isOverspent || this.#ms.isOverspent;
  }

  /** Notes one, of that many bytes, which took that long to read; whether it is too much by now. */
  note(bytes: number, ms: number): boolean {
    this.#count.spend(1);
    this.#bytes.spend(bytes);
    this.#ms.spend(ms);
    return this.areTooMany;
  }

  /** Notes a message above a rate, which took that long to read; whether it is too much by now. */
  noteRefusal(ms: number): boolean {
    this.#count.spend(1 / this.#limits.refusalsPerViolation);
    this.#ms.spend(ms);
    return this.areTooMany;
  }
}
