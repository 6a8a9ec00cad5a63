import { limits } from '../../config/limits.js';
import { onAbort } from '../../lib/abort.js';
import type { MemoryHolder } from '../../lib/budgets/memory-budget.js';
import type { Clock } from '../../lib/clock.js';
import type { Identity } from '../../nostr/keys.js';
import { type RelaySocket, type SocketHandlers, TransportError } from '../dial/transport.js';
import { PeerGoneError, PeerRefusedError } from '../errors.js';
import type { Progress } from '../hosts/transfers.js';
import type { SyncLogger } from '../report/logger.js';
import type { SyncMetrics } from '../report/metrics.js';
import { Authentication } from './authentication.js';
import type { Channel, ChannelListener } from './channel.js';
import { Channels } from './channels.js';
import { FrameQueue } from './frame-queue.js';
import { KeepAlive } from './keep-alive.js';
import { MessageReader } from './message-reader.js';
import { PeerBehaviour } from './peer-behaviour.js';
import { PeerCapacity } from './peer-capacity.js';
import type { RelayLimits } from './relay-limits.js';
import type { RemoteEventSubmitter } from './remote-event-submitter.js';

export type PeerParts = {
  readonly relay: string;
  readonly clock: Clock;
  readonly logger: SyncLogger;
  readonly metrics: SyncMetrics;
  readonly submitter: RemoteEventSubmitter;
  readonly identity: Identity | undefined;
  readonly limits: RelayLimits;
  /** What the remote makes us hold. */
  readonly held: MemoryHolder;
  /** Whether the NIP-11 document says that nothing goes without NIP-42. */
  readonly authRequired: boolean;
};

/** How often it is looked whether what was sent has left. */
const sendPollMs = 100;

/**
 * One open connection to a remote: reads its messages in order and gives each to the channel it is for, at the pace at
 * which admission takes events; finds sockets that went silent; keeps quiet when the remote wants it.
 */
export class Peer {
  readonly relay: string;
  readonly handlers: SocketHandlers;
  readonly authentication: Authentication;
  readonly capacity: PeerCapacity;
  readonly #parts: PeerParts;
  readonly #frames: FrameQueue;
  readonly #behaviour = new PeerBehaviour();
  readonly #keepAlive: KeepAlive;
  readonly #channels: Channels;
  readonly #reader: MessageReader;
  #socket: RelaySocket | undefined;
  #progressBytes = 0;
  #progressEvents = 0;
  #ended: { readonly error: TransportError | undefined } | undefined;
  #refusal: PeerRefusedError | undefined;
  /** Settles when we have authenticated, or tried to, where the remote is known to want it. */
  #entry: Promise<void> | undefined;

  constructor(parts: PeerParts) {
    this.relay = parts.relay;
    this.#parts = parts;
    this.#frames = new FrameQueue(parts.held.open());
    this.capacity = new PeerCapacity(parts);
    this.#keepAlive = new KeepAlive(parts.clock);
    this.#channels = new Channels({
      clock: parts.clock,
      limitMs: limits.remoteRequestMsMax,
      isBehind: () => this.#frames.isBehind,
    });
    this.authentication = new Authentication({ ...parts, send: (message) => this.send(message) });
    this.#reader = new MessageReader({
      ...parts,
      authentication: this.authentication,
      channels: this.#channels,
      slowDown: () => this.slowDown(),
      excuse: () => this.#behaviour.excuse(parts.clock.monotonic()),
      tighten: (what) => this.tighten(what),
      progressed: (bytes, events) => {
        this.#progressBytes += bytes;
        this.#progressEvents += events;
      },
      violation: () => this.violation(),
    });
    this.handlers = {
      incoming: parts.held.open(),
      onMessage: (frame) => this.#onFrame(frame),
      onPong: () => this.#keepAlive.hear(),
      onClosed: (error) => this.#end(error),
    };
  }

  /** What the remote makes us hold. */
  get held(): MemoryHolder {
    return this.#parts.held;
  }

  get limits(): RelayLimits {
    return this.capacity.limits;
  }

  /** Whether the remote answered anything that it was asked. */
  get hasAnswered(): boolean {
    return this.#behaviour.hasAnswered;
  }

  /** Whether the connection is over. */
  get isEnded(): boolean {
    return this.#ended !== undefined;
  }

  /** Why the connection ended, if it did not end well. */
  get error(): TransportError | undefined {
    return this.#ended?.error;
  }

  /** Why the remote does not let us in, if it does not. */
  get refusal(): PeerRefusedError | undefined {
    return this.#refusal;
  }

  /** Bytes of messages that wait to be looked at. */
  get queuedBytes(): number {
    return this.#frames.bytes;
  }

  /** What has come of what catch-up asked for. */
  get progress(): Progress {
    return {
      bytes: this.#progressBytes,
      events: this.#progressEvents,
      isBehind: this.#frames.isBehind,
    };
  }

  attach(socket: RelaySocket): void {
    this.#socket = socket;
    this.#frames.attach(socket);
  }

  /** Reads until the connection ends, or `signal` ends it; then all channels have been told. */
  async run(signal: AbortSignal): Promise<void> {
    using _ = onAbort(signal, () => {
      this.close();
      this.#reader.stop();
    });
    this.#begin();
    try {
      for (let frame = await this.#frames.next(); frame !== undefined; frame = await this.#frames.next()) {
        if (signal.aborted) break;
        await this.#reader.take(frame);
      }
    } finally {
      this.close();
      this.#release();
    }
  }

  /** Ends the connection. With an error, that is why. Only the first call does anything. */
  close(error?: TransportError): void {
    this.#end(error);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  /** The remote does not let us in: the connection ends, and the relay is left alone for a day. */
  refuse(error: unknown): void {
    if (!(error instanceof PeerRefusedError)) return;
    this.#refusal ??= error;
    this.close(new TransportError('policy', error.message, error));
  }

  openChannel(prefix: string, listener: ChannelListener): Channel {
    if (this.#ended !== undefined) throw new PeerGoneError(this.relay);
    return this.#channels.open(prefix, listener);
  }

  /** Forgets a channel; `message` (CLOSE, NEG-CLOSE) tells the remote, unless it closed first. */
  closeChannel(channel: Channel, message?: 'CLOSE' | 'NEG-CLOSE'): void {
    if (this.#channels.close(channel) && message !== undefined) this.send([message, channel.id]);
  }

  /** Resolves when the remote may be asked something. Rejects when the connection ends before. */
  async ready(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    await this.#entry;
    for (;;) {
      signal.throwIfAborted();
      if (this.#ended !== undefined) throw new PeerGoneError(this.relay);
      const quietMs = this.#behaviour.quietMs(clock.monotonic());
      const isBusy = (this.#socket?.bufferedBytes ?? 0) > limits.remoteSendBytesHigh;
      if (quietMs <= 0 && !isBusy) return;
      await clock.sleep(quietMs > 0 ? quietMs : sendPollMs, signal);
    }
  }

  send(message: readonly unknown[]): void {
    if (this.#ended !== undefined) return;
    const frame = JSON.stringify(message);
    this.#parts.metrics.sent(frame.length);
    this.#socket?.send(frame);
  }

  /** The remote wants us to slow down: it is asked nothing for a while. No failure. */
  slowDown(): void {
    const { clock, logger } = this.#parts;
    if (!this.#behaviour.slowDown(clock.monotonic())) return;
    logger.info({ relay: this.relay, pauseMs: limits.remoteSlowDownMs }, 'relay asks to slow down');
  }

  /** Whether the remote wanted us to slow down since then: in a NOTICE, that was its answer to what it is silent on. */
  wasSlowedSince(sentAt: number): boolean {
    return this.#behaviour.wasSlowedSince(sentAt);
  }

  /** The remote took fewer subscriptions, or filters in one, than it was thought to. False when it is the least already. */
  tighten(what: 'subscriptions' | 'filters'): boolean {
    return this.capacity.tighten(what, this.#channels.size);
  }

  /** A request came to its end as it should. */
  answered(): void {
    this.#behaviour.answered();
  }

  /** A request of `sentAt` got no answer. Several in a row end the connection, unless the remote said why since. */
  unanswered(sentAt: number): void {
    if (!this.#behaviour.unanswered(sentAt)) return;
    this.close(new TransportError('timeout', `${this.relay} does not answer`));
  }

  /** The message that is being looked at answers nothing, or cannot be read. Too much of that ends the connection. */
  violation(): void {
    const { metrics, clock } = this.#parts;
    metrics.violation();
    if (!this.#behaviour.violation(this.#reader.reading, clock.monotonic())) return;
    this.close(new TransportError('protocol', `${this.relay} sends what nobody asked for`));
  }

  #begin(): void {
    this.#keepAlive.start({
      ping: () => this.#socket?.ping(),
      isBehind: () => this.#frames.isBehind,
      onSilent: () => this.close(new TransportError('timeout', `${this.relay} went silent`)),
    });
    if (this.#parts.authRequired && this.#parts.identity !== undefined) {
      // Should it fail, the remote will say `auth-required:`, and it is dealt with there.
      this.#entry = this.authentication.ensure().catch(() => {});
    }
  }

  #release(): void {
    this.#keepAlive.stop();
    this.authentication.end();
    this.#channels.end();
  }

  #onFrame(frame: string): void {
    if (this.#ended !== undefined) return;
    this.#keepAlive.hear();
    this.#parts.metrics.received(frame.length);
    this.#frames.push(frame);
  }

  #end(error: TransportError | undefined): void {
    this.#ended ??= { error };
    this.#frames.end();
  }
}
