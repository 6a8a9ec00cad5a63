import { exceeds, reaches } from '../../config/limit-use.js';
import { limits } from '../../config/limits.js';
import type { CancelTimer, Clock } from '../../lib/clock.js';
import { TransportError } from '../dial/transport.js';
import type { SyncLogger } from '../report/logger.js';

/** What it took to read one message. */
export type Reading = { readonly bytes: number; readonly ms: number };

type Violations = Reading & { readonly count: number };

const none: Violations = { count: 0, bytes: 0, ms: 0 };

export type BehaviourParts = {
  readonly relay: string;
  readonly clock: Clock;
  readonly logger: SyncLogger;
  readonly metrics: { violation(): void };
  /** Ends the connection. */
  readonly close: (error: TransportError) => void;
};

/**
 * How a remote behaves on one connection: whether it is alive, answers, keeps to the protocol, and wants us to slow down.
 * It ends the connection when it does not behave. Times are monotonic milliseconds.
 */
export class PeerBehaviour {
  readonly #parts: BehaviourParts;
  #heardAt: number;
  #cancelPing: CancelTimer = () => {};
  #hasAnswered = false;
  #unanswered = 0;
  #violations = none;
  #violationsFrom = Number.NEGATIVE_INFINITY;
  #excusedAt = Number.NEGATIVE_INFINITY;
  #slowedAt = Number.NEGATIVE_INFINITY;
  #pausedUntil = Number.NEGATIVE_INFINITY;

  constructor(parts: BehaviourParts) {
    this.#parts = parts;
    this.#heardAt = parts.clock.monotonic();
  }

  /** Whether the remote answered anything that it was asked. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /**
   * Pings the remote from now on, to find out when nothing comes from it any more, though its socket is open. `isBehind`:
   * whether we have not looked at all that came, so that the remote cannot be blamed.
   */
  keepAlive(ping: () => void, isBehind: () => boolean): void {
    const { relay, clock, close } = this.#parts;
    const beat = () => {
      if (isBehind()) this.hear();
      if (clock.monotonic() - this.#heardAt > limits.remoteSilenceMsMax) {
        close(new TransportError('timeout', `${relay} went silent`));
        return;
      }
      ping();
      this.#cancelPing = clock.after(limits.remotePingIntervalMs, beat);
    };
    this.#cancelPing = clock.after(limits.remotePingIntervalMs, beat);
  }

  /** A sign of life. */
  hear(): void {
    this.#heardAt = this.#parts.clock.monotonic();
  }

  /** A ping or a pong came: one is in order, a flood is not. */
  heartbeat(): void {
    this.hear();
    this.#count({ bytes: 0, ms: 0 });
  }

  /** The connection ended. */
  stop(): void {
    this.#cancelPing();
  }

  /** A request came to its end as it should. */
  answered(): void {
    this.#hasAnswered = true;
    this.#unanswered = 0;
  }

  /** A request of `sentAt` got no answer. Several in a row end the connection, unless the remote said why since. */
  unanswered(sentAt: number): void {
    if (this.#excusedAt >= sentAt) return;
    this.#unanswered += 1;
    if (!reaches('remoteSilentRequestsMax', this.#unanswered)) return;
    const { relay, close } = this.#parts;
    close(new TransportError('timeout', `${relay} does not answer`));
  }

  /**
   * Something came that nobody asked for, or that cannot be read, of that many bytes, which took that long to read. Too
   * much of it of late, in number, bytes or time, ends the connection.
   */
  violation(reading: Reading): void {
    this.#parts.metrics.violation();
    this.#count(reading);
  }

  #count({ bytes, ms }: Reading): void {
    const { relay, clock, close } = this.#parts;
    const now = clock.monotonic();
    if (now - this.#violationsFrom >= limits.remoteViolationWindowMs) {
      this.#violationsFrom = now;
      this.#violations = none;
    }
    const { count, ...sum } = this.#violations;
    this.#violations = { count: count + 1, bytes: sum.bytes + bytes, ms: sum.ms + ms };
    const isTooMuch =
      exceeds('remoteViolationsMax', this.#violations.count) ||
      exceeds('remoteViolationBytesMax', this.#violations.bytes) ||
      exceeds('remoteViolationMsMax', this.#violations.ms);
    if (isTooMuch) close(new TransportError('protocol', `${relay} sends what nobody asked for`));
  }

  /** The remote said why it does not answer what was asked before. */
  excuse(): void {
    this.#excusedAt = this.#parts.clock.monotonic();
  }

  /** The remote wants us to slow down: it is asked nothing for a while. A pause that has begun is not made longer. */
  slowDown(): void {
    const { relay, clock, logger } = this.#parts;
    const now = clock.monotonic();
    this.#excusedAt = now;
    this.#slowedAt = now;
    if (now < this.#pausedUntil) return;
    this.#pausedUntil = now + limits.remoteSlowDownMs;
    logger.info({ relay, pauseMs: limits.remoteSlowDownMs }, 'relay asks to slow down');
  }

  /** Whether the remote wanted us to slow down since then: in a NOTICE, that was its answer to what it is silent on. */
  wasSlowedSince(sentAt: number): boolean {
    return this.#slowedAt >= sentAt;
  }

  /** For how long it is asked nothing. */
  get pauseMs(): number {
    return this.#pausedUntil - this.#parts.clock.monotonic();
  }
}
