import type { EventSource } from '../admission/admission.js';
import { limits } from '../config/limits.js';
import { type Deferred, deferred } from '../lib/abort.js';
import type { Clock } from '../lib/clock.js';
import { Slots } from '../lib/slots.js';
import type { Identity } from '../nostr/keys.js';
import { InvalidMessageError, parseRelayMessage, type RelayMessage } from '../nostr/message.js';
import { Authentication } from './authentication.js';
import { Channel, type ChannelListener } from './channel.js';
import { Conduct } from './conduct.js';
import { PeerGoneError, PeerRefusedError } from './errors.js';
import { FrameQueue } from './frame-queue.js';
import type { Inlet } from './inlet.js';
import { KeepAlive } from './keep-alive.js';
import type { SyncLogger } from './logger.js';
import type { SyncMetrics } from './metrics.js';
import { readRefusal } from './refusal.js';
import { fewerFilters, fewerSubscriptions, type RelayLimits } from './relay-limits.js';
import { type RelaySocket, type SocketHandlers, TransportError } from './transport.js';

export type PeerParts = {
  readonly relay: string;
  readonly clock: Clock;
  readonly logger: SyncLogger;
  readonly metrics: SyncMetrics;
  readonly inlet: Inlet;
  readonly identity: Identity | undefined;
  readonly limits: RelayLimits;
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
  /** Downloads and pages; and negentropy sessions. */
  readonly requests: Slots;
  readonly sessions: Slots;
  readonly #parts: PeerParts;
  readonly #channels = new Map<string, Channel>();
  readonly #frames = new FrameQueue();
  readonly #conduct = new Conduct();
  readonly #keepAlive: KeepAlive;
  readonly #limitListeners: (() => void)[] = [];
  #socket: RelaySocket | undefined;
  #limits: RelayLimits;
  #ended: { readonly error: TransportError | undefined } | undefined;
  #refusal: PeerRefusedError | undefined;
  /** Settles when we have authenticated, or tried to, where the remote is known to want it. */
  #entry: Promise<void> | undefined;
  /** The wait of the event that is being looked at. */
  #turn: Deferred<void> | undefined;
  #channelsOpened = 0;

  constructor(parts: PeerParts) {
    this.relay = parts.relay;
    this.#parts = parts;
    this.#limits = parts.limits;
    this.#keepAlive = new KeepAlive(parts.clock);
    this.requests = new Slots(parts.limits.requests);
    this.sessions = new Slots(parts.limits.negentropySessions);
    this.authentication = new Authentication({ ...parts, send: (message) => this.send(message) });
    this.handlers = {
      onMessage: (frame) => this.#onFrame(frame),
      onPong: () => this.#keepAlive.hear(),
      onClosed: (error) => this.#end(error),
    };
  }

  get limits(): RelayLimits {
    return this.#limits;
  }

  /** Whether the remote answered anything that it was asked. */
  get hasAnswered(): boolean {
    return this.#conduct.hasAnswered;
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

  attach(socket: RelaySocket): void {
    this.#socket = socket;
    this.#frames.attach(socket);
  }

  /** Reads until the connection ends, or `signal` ends it; then all channels have been told. */
  async run(signal: AbortSignal): Promise<void> {
    const onAbort = () => {
      this.close();
      this.#turn?.resolve();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    this.#begin();
    try {
      for (let frame = await this.#frames.next(); frame !== undefined; frame = await this.#frames.next()) {
        if (signal.aborted) break;
        await this.#take(frame);
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.close();
      this.#release();
    }
  }

  /** Ends the connection. With an error, that is why. */
  close(error?: TransportError): void {
    this.#end(error);
    this.#socket?.close();
  }

  /** The remote does not let us in: the connection ends, and the relay is left alone for a day. */
  refuse(error: unknown): void {
    if (!(error instanceof PeerRefusedError)) return;
    this.#refusal ??= error;
    this.close(new TransportError('policy', error.message, error));
  }

  openChannel(prefix: string, listener: ChannelListener): Channel {
    if (this.#ended !== undefined) throw new PeerGoneError(this.relay);
    this.#channelsOpened += 1;
    const channel = new Channel(`${prefix}${this.#channelsOpened}`, listener, {
      clock: this.#parts.clock,
      limitMs: limits.remoteRequestMsMax,
      isBehind: () => this.#frames.isBehind,
    });
    this.#channels.set(channel.id, channel);
    return channel;
  }

  /** Forgets a channel; `message` (CLOSE, NEG-CLOSE) tells the remote, unless it closed first. */
  closeChannel(channel: Channel, message?: 'CLOSE' | 'NEG-CLOSE'): void {
    channel.rest();
    if (this.#channels.delete(channel.id) && message !== undefined) this.send([message, channel.id]);
  }

  /** Resolves when the remote may be asked something. Rejects when the connection ends before. */
  async ready(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    await this.#entry;
    for (;;) {
      signal.throwIfAborted();
      if (this.#ended !== undefined) throw new PeerGoneError(this.relay);
      const quietMs = this.#conduct.quietMs(clock.monotonic());
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
    if (!this.#conduct.slowDown(clock.monotonic())) return;
    logger.info({ relay: this.relay, pauseMs: limits.remoteSlowDownMs }, 'relay asks to slow down');
  }

  /** Whether the remote wanted us to slow down since then: in a NOTICE, that was its answer to what it is silent on. */
  wasSlowedSince(sentAt: number): boolean {
    return this.#conduct.wasSlowedSince(sentAt);
  }

  /** The remote took fewer subscriptions, or filters in one, than it was thought to. False when it is the least already. */
  tighten(what: 'subscriptions' | 'filters'): boolean {
    const before = this.#limits;
    const { size } = this.#channels;
    this.#limits = what === 'filters' ? fewerFilters(before) : fewerSubscriptions(before, size);
    const { subscriptions, filtersPerSubscription } = this.#limits;
    if (subscriptions === before.subscriptions && filtersPerSubscription === before.filtersPerSubscription) {
      return false;
    }
    this.requests.resize(this.#limits.requests);
    this.sessions.resize(this.#limits.negentropySessions);
    this.#parts.logger.info({ relay: this.relay, limits: this.#limits }, 'relay takes less than thought');
    for (const listener of this.#limitListeners) listener();
    return true;
  }

  /** Calls `listener` whenever the limits became less. */
  onTightened(listener: () => void): void {
    this.#limitListeners.push(listener);
  }

  /** A request came to its end as it should. */
  answered(): void {
    this.#conduct.answered();
  }

  /** A request of `sentAt` got no answer. Several in a row end the connection, unless the remote said why since. */
  unanswered(sentAt: number): void {
    if (!this.#conduct.unanswered(sentAt)) return;
    this.close(new TransportError('timeout', `${this.relay} does not answer`));
  }

  /** Something came that nobody asked for, or that cannot be read. Too much of it ends the connection. */
  nonsense(): void {
    this.#parts.metrics.nonsense();
    if (!this.#conduct.nonsense()) return;
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
    for (const channel of this.#channels.values()) {
      channel.rest();
      channel.listener.onGone();
    }
    this.#channels.clear();
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

  async #take(frame: string): Promise<void> {
    const message = this.#parse(frame);
    if (message === undefined || message.type === 'COUNT') {
      this.nonsense();
      return;
    }
    switch (message.type) {
      case 'EVENT':
        await this.#onEvent(message);
        return;
      case 'NOTICE':
        this.#onNotice(message);
        return;
      case 'OK':
        if (readRefusal(message.reason).type === 'slow-down') this.slowDown();
        this.authentication.onOk(message);
        return;
      case 'AUTH':
        this.authentication.onChallenge(message.challenge);
        return;
      default: {
        const channel = this.#channels.get(message.subscription);
        channel?.touch();
        channel?.listener.onMessage(message);
      }
    }
  }

  #parse(frame: string): RelayMessage | undefined {
    try {
      return parseRelayMessage(frame);
    } catch (error) {
      if (error instanceof InvalidMessageError) return undefined;
      throw error;
    }
  }

  async #onEvent(message: Extract<RelayMessage, { type: 'EVENT' }>): Promise<void> {
    const channel = this.#channels.get(message.subscription);
    if (channel === undefined) {
      this.nonsense();
      return;
    }
    await this.#room(channel.listener.source);
    channel.touch();
    channel.listener.onEvent(message.event);
  }

  /** Waits for room in admission, but not beyond the end of this connection. */
  async #room(source: EventSource['type']): Promise<void> {
    const turn = deferred<void>();
    this.#turn = turn;
    this.#parts.inlet.room(source).then(turn.resolve, turn.reject);
    await turn.promise;
  }

  #onNotice(message: Extract<RelayMessage, { type: 'NOTICE' }>): void {
    const { logger, clock } = this.#parts;
    logger.debug({ relay: this.relay, notice: message.text.slice(0, 200) }, 'notice from relay');
    const refusal = readRefusal(message.text);
    if (refusal.type !== 'other') this.#conduct.excuse(clock.monotonic());
    if (refusal.type === 'slow-down') this.slowDown();
    else if (refusal.type === 'too-many-subscriptions') this.tighten('subscriptions');
    else if (refusal.type === 'too-many-filters') this.tighten('filters');
    for (const channel of [...this.#channels.values()]) channel.listener.onMessage(message);
  }
}
