import { limits } from '../../config/limits.js';

/** What it took to read one message. */
export type Reading = { readonly bytes: number; readonly ms: number };

type Violations = Reading & { readonly count: number };

const none: Violations = { count: 0, bytes: 0, ms: 0 };

/** How a remote behaves on one connection: whether it answers, whether it wants us to be quiet. Monotonic milliseconds. */
export class PeerBehaviour {
  #hasAnswered = false;
  #unanswered = 0;
  #violations = none;
  #violationsFrom = Number.NEGATIVE_INFINITY;
  #excusedAt = Number.NEGATIVE_INFINITY;
  #slowedAt = Number.NEGATIVE_INFINITY;
  #quietUntil = Number.NEGATIVE_INFINITY;

  /** Whether the remote answered anything that it was asked. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /** A request came to its end as it should. */
  answered(): void {
    this.#hasAnswered = true;
    this.#unanswered = 0;
  }

  /** A request of `sentAt` got no answer. True when there were too many in a row, and the remote did not say why. */
  unanswered(sentAt: number): boolean {
    if (this.#excusedAt >= sentAt) return false;
    this.#unanswered += 1;
    return this.#unanswered >= limits.remoteSilentRequestsMax;
  }

  /**
   * Something came that nobody asked for, or that cannot be read, of that many bytes, which took that long to read.
   * True when it is too much, in number, bytes or time, of late.
   */
  violation({ bytes, ms }: Reading, now: number): boolean {
    if (now - this.#violationsFrom >= limits.remoteViolationWindowMs) {
      this.#violationsFrom = now;
      this.#violations = none;
    }
    const { count, ...sum } = this.#violations;
    this.#violations = { count: count + 1, bytes: sum.bytes + bytes, ms: sum.ms + ms };
    return (
      this.#violations.count > limits.remoteViolationsMax ||
      this.#violations.bytes > limits.remoteViolationBytesMax ||
      this.#violations.ms > limits.remoteViolationMsMax
    );
  }

  /** The remote said why it does not answer what was asked before. */
  excuse(now: number): void {
    this.#excusedAt = now;
  }

  /** The remote wants us to slow down. True when it is news: a pause that has begun is not made longer. */
  slowDown(now: number): boolean {
    this.#excusedAt = now;
    this.#slowedAt = now;
    if (now < this.#quietUntil) return false;
    this.#quietUntil = now + limits.remoteSlowDownMs;
    return true;
  }

  /** Whether the remote wanted us to slow down since then. */
  wasSlowedSince(sentAt: number): boolean {
    return this.#slowedAt >= sentAt;
  }

  /** For how long it is asked nothing. */
  quietMs(now: number): number {
    return this.#quietUntil - now;
  }
}
