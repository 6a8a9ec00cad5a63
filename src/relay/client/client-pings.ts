import type { WebSocket } from 'ws';
import { limits } from '../../config/limits.js';
import { TokenBucket } from '../../lib/budgets/token-bucket.js';
import type { Clock } from '../../lib/clock.js';

export type PingParts = {
  readonly socket: WebSocket;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Time between two pings of ours. */
  readonly intervalMs: () => number;
  /** What was sent and has not left for the system. */
  readonly bytesWaiting: () => number;
  /** Has `payPong` called at the end of the turn. */
  readonly payLater: () => void;
  /** A pong was given to the socket. */
  readonly onSent: () => void;
  readonly afterSend: () => void;
  /** The client sent nothing since the last ping. */
  readonly onSilent: () => void;
  /** It sends pings and pongs without end. */
  readonly onTooMany: () => void;
};

/** Pings and pongs of one connection, both ways: they tell a client that is gone from one that is quiet. */
export class ClientPings {
  readonly #parts: PingParts;
  /** What the last ping carried that is not answered yet: at the end of the turn, or once no bytes wait. */
  #owedPong: Buffer | undefined;
  readonly #allowed: TokenBucket;
  /** Whether the client sent anything since the last ping. */
  #heard = true;
  #pingedAtMs: number;

  constructor(parts: PingParts) {
    this.#parts = parts;
    this.#allowed = new TokenBucket(parts.clock, limits.clientPingsPerMinuteMax);
    this.#pingedAtMs = parts.clock.monotonic();
  }

  /** The client sent something. */
  hear(): void {
    this.#heard = true;
  }

  /** Pings the client where it is time to; `onSilent` where it left the last ping without an answer. */
  check(): void {
    const { socket, clock, intervalMs, bytesWaiting, onSilent } = this.#parts;
    const nowMs = clock.monotonic();
    if (nowMs - this.#pingedAtMs < intervalMs()) return;
    // A ping that waits behind other bytes has not reached the client, and a pong is not seen while we do not read.
    if (bytesWaiting() > 0 || socket.isPaused || !this.#isOpen) return;
    if (!this.#heard) {
      onSilent();
      return;
    }
    this.#heard = false;
    this.#pingedAtMs = nowMs;
    socket.ping();
  }

  /** Takes a ping of the client, which is answered when the turn ends. */
  onPing(data: Buffer): void {
    if (!this.#take()) return;
    // One is owed at most, the latest (RFC 6455 §5.5.3): each answer is a call of the system, and hundreds may
    // come in one piece; and a client that reads nothing cannot make them pile up.
    if (this.#owedPong === undefined) this.#parts.payLater();
    this.#owedPong = data;
  }

  onPong(): void {
    this.#take();
  }

  /** Sends the pong that is owed, unless bytes wait. */
  payPong(): void {
    const { socket, bytesWaiting, onSent, afterSend } = this.#parts;
    const data = this.#owedPong;
    if (data === undefined || !this.#isOpen || bytesWaiting() > 0) return;
    this.#owedPong = undefined;
    socket.pong(data, false, onSent);
    afterSend();
  }

  /** Counts a ping or pong; false when it is one too many, and where the connection has ended. */
  #take(): boolean {
    this.hear();
    if (this.#isOpen && this.#allowed.take()) return true;
    if (this.#isOpen) this.#parts.onTooMany();
    return false;
  }

  get #isOpen(): boolean {
    return this.#parts.socket.readyState === this.#parts.socket.OPEN;
  }
}
