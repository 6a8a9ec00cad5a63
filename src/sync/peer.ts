import type { EventSource } from '../admission/admission.js';
import { limits } from '../config/limits.js';
import { type Deferred, deferred } from '../lib/abort.js';
import { BoundedQueue } from '../lib/bounded-queue.js';
import type { Clock } from '../lib/clock.js';
import { Slots } from '../lib/slots.js';
import type { Identity } from '../nostr/keys.js';
import { InvalidMessageError, parseRelayMessage, type RelayMessage } from '../nostr/message.js';
import { Authentication } from './authentication.js';
import { Channel, type ChannelListener } from './channel.js';
import { PeerGoneError, PeerRefusedError } from './errors.js';
import type { Inlet } from './inlet.js';
import type { SyncLogger } from './logger.js';
import type { SyncMetrics } from './metrics.js';
import { readRefusal } from './refusal.js';
import { fewerFilters, fewerSubscriptions, type RelayLimits } from './relay-limits.js';
import { type RelaySocket, type SocketHandlers, TransportError } from './transport.js';
import { Wakeup } from './wakeup.js';

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
  readonly #frames = new BoundedQueue<string>(
    {
      bytesHigh: limits.remoteQueueBytesHigh,
      bytesLow: limits.remoteQueueBytesLow,
      itemsMax: limits.remoteQueueFramesMax,
    },
    (frame) => frame.length,
  );
  readonly #wakeup = new Wakeup();
  readonly #limitListeners: (() => void)[] = [];
  #socket: RelaySocket | undefined;
  #limits: RelayLimits;
  #ended: { readonly error: TransportError | undefined } | undefined;
  /** Settles when we have authenticated, or tried to, where the remote is known to want it. */
  #entry: Promise<void> | undefined;
  #refusal: PeerRefusedError | undefined;
  #isPaused = false;
  #heardAt: number;
  #quietUntil = 0;
  #excusedAt = Number.NEGATIVE_INFINITY;
  #unanswered = 0;
  #hasAnswered = false;
  #nonsense = 0;
  /** The wait of the event that is being looked at. */
  #turn: Deferred<void> | undefined;
  #channelsOpened = 0;

  constructor(parts: PeerParts) {
    this.relay = parts.relay;
    this.#parts = parts;
    this.#limits = parts.limits;
    this.#heardAt = parts.clock.monotonic();
    this.requests = new Slots(parts.limits.requests);
    this.sessions = new Slots(parts.limits.negentropySessions);
    this.authentication = new Authentication({
      relay: parts.relay,
      clock: parts.clock,
      identity: parts.identity,
      send: (message) => this.send(message),
    });
    this.handlers = {
      onMessage: (frame) => this.#onFrame(frame),
      onPong: () => this.#hear(),
      onClosed: (error) => this.#end(error),
    };
  }

  get limits(): RelayLimits {
    return this.#limits;
  }

  /** Whether the remote answered anything that it was asked. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /** Why the connection ended, if it did not end well. */
  get error(): TransportError | undefined {
    return this.#ended?.error;
  }

  /** Whether the connection is over. */
  get isEnded(): boolean {
    return this.#ended !== undefined;
  }

  /** Bytes of messages that wait to be looked at. */
  get queuedBytes(): number {
    return this.#frames.bytes;
  }

  attach(socket: RelaySocket): void {
    this.#socket = socket;
  }

  /** Reads until the connection ends, or `signal` ends it; then all channels have been told. */
  async run(signal: AbortSignal): Promise<void> {
    const onAbort = () => {
      this.close();
      this.#turn?.resolve();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    const stopPings = this.#keepAlive();
    if (this.#parts.authRequired && this.#parts.identity !== undefined) {
      // Should it fail, the remote will say `auth-required:`, and it is dealt with there.
      this.#entry = this.authentication.ensure().catch(() => {});
    }
    try {
      while (!signal.aborted) {
        const frame = this.#frames.shift();
        this.#resumeWhenRoomy();
        if (frame !== undefined) await this.#take(frame);
        else if (this.#ended !== undefined) break;
        else await this.#wakeup.wait();
      }
    } finally {
      stopPings();
      signal.removeEventListener('abort', onAbort);
      this.close();
      this.authentication.end();
      for (const channel of this.#channels.values()) {
        channel.rest();
        channel.listener.onGone();
      }
      this.#channels.clear();
    }
  }

  /** Ends the connection. With an error, that is why. */
  close(error?: TransportError): void {
    this.#end(error);
    this.#socket?.close();
  }

  openChannel(prefix: string, listener: ChannelListener): Channel {
    if (this.#ended !== undefined) throw new PeerGoneError(this.relay);
    this.#channelsOpened += 1;
    const channel = new Channel(`${prefix}${this.#channelsOpened}`, listener, {
      clock: this.#parts.clock,
      limitMs: limits.remoteRequestMsMax,
      isBehind: () => this.#frames.length > 0 || this.#isPaused,
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
      const quietMs = this.#quietUntil - clock.monotonic();
      const isBusy = (this.#socket?.bufferedBytes ?? 0) > limits.remoteSendBytesHigh;
      if (quietMs <= 0 && !isBusy) return;
      await clock.sleep(quietMs > 0 ? quietMs : 100, signal);
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
    const now = clock.monotonic();
    if (now >= this.#quietUntil) {
      logger.info({ relay: this.relay, pauseMs: limits.remoteSlowDownMs }, 'relay asks to slow down');
    }
    this.#excusedAt = now;
    this.#quietUntil = now + limits.remoteSlowDownMs;
  }

  /** The remote took fewer subscriptions, or filters in one, than it was thought to. False when it is the least already. */
  tighten(what: 'subscriptions' | 'filters'): boolean {
    const before = this.#limits;
    this.#limits =
      what === 'filters' ? fewerFilters(before) : fewerSubscriptions(before, this.#channels.size);
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
    this.#hasAnswered = true;
    this.#unanswered = 0;
  }

  /** A request of `sentAt` got no answer. Several in a row end the connection, unless the remote said why since. */
  unanswered(sentAt: number): void {
    if (this.#excusedAt >= sentAt) return;
    this.#unanswered += 1;
    if (this.#unanswered < limits.remoteSilentRequestsMax) return;
    this.close(new TransportError('timeout', `${this.relay} does not answer`));
  }

  /** The remote does not let us in: the connection ends, and the relay is left alone for a day. */
  refuse(error: unknown): void {
    if (!(error instanceof PeerRefusedError)) return;
    this.#refusal ??= error;
    this.close(new TransportError('policy', error.message, error));
  }

  /** Why the remote does not let us in, if it does not. */
  get refusal(): PeerRefusedError | undefined {
    return this.#refusal;
  }

  /** Something came that nobody asked for, or that cannot be read. Too much of it ends the connection. */
  nonsense(): void {
    this.#nonsense += 1;
    this.#parts.metrics.nonsense();
    if (this.#nonsense <= limits.remoteNonsenseMax) return;
    this.close(new TransportError('protocol', `${this.relay} sends what nobody asked for`));
  }

  #onFrame(frame: string): void {
    if (this.#ended !== undefined) return;
    this.#hear();
    this.#parts.metrics.received(frame.length);
    this.#frames.push(frame);
    if (this.#frames.full && !this.#isPaused) {
      this.#isPaused = true;
      this.#socket?.pause?.();
    }
    this.#wakeup.notify();
  }

  #resumeWhenRoomy(): void {
    if (!this.#isPaused || this.#frames.full) return;
    this.#isPaused = false;
    this.#hear();
    this.#socket?.resume?.();
  }

  async #take(frame: string): Promise<void> {
    let message: RelayMessage;
    try {
      message = parseRelayMessage(frame);
    } catch (error) {
      if (!(error instanceof InvalidMessageError)) throw error;
      this.nonsense();
      return;
    }
    switch (message.type) {
      case 'EVENT': {
        const channel = this.#channels.get(message.subscription);
        if (channel === undefined) return this.nonsense();
        await this.#room(channel.listener.source);
        channel.touch();
        channel.listener.onEvent(message.event);
        return;
      }
      case 'EOSE':
      case 'CLOSED':
      case 'NEG-MSG':
      case 'NEG-ERR': {
        const channel = this.#channels.get(message.subscription);
        channel?.touch();
        channel?.listener.onMessage(message);
        return;
      }
      case 'NOTICE':
        return this.#onNotice(message);
      case 'OK':
        if (readRefusal(message.reason).type === 'slow-down') this.slowDown();
        return this.authentication.onOk(message);
      case 'AUTH':
        return this.authentication.onChallenge(message.challenge);
      case 'COUNT':
        return this.nonsense();
    }
  }

  /** Waits for room in admission, but not beyond the end of this connection. */
  async #room(source: EventSource['type']): Promise<void> {
    const turn = deferred<void>();
    this.#turn = turn;
    this.#parts.inlet.room(source).then(turn.resolve, turn.reject);
    await turn.promise;
  }

  #onNotice(message: Extract<RelayMessage, { type: 'NOTICE' }>): void {
    this.#parts.logger.debug({ relay: this.relay, notice: message.text.slice(0, 200) }, 'notice from relay');
    const refusal = readRefusal(message.text);
    if (refusal.type !== 'other') this.#excusedAt = this.#parts.clock.monotonic();
    if (refusal.type === 'slow-down') this.slowDown();
    else if (refusal.type === 'too-many-subscriptions') this.tighten('subscriptions');
    else if (refusal.type === 'too-many-filters') this.tighten('filters');
    for (const channel of [...this.#channels.values()]) channel.listener.onMessage(message);
  }

  #hear(): void {
    this.#heardAt = this.#parts.clock.monotonic();
  }

  /** Pings, and ends a connection from which nothing comes any more. */
  #keepAlive(): () => void {
    const { clock } = this.#parts;
    let cancel = () => {};
    const beat = () => {
      const isOurFault = this.#isPaused || this.#frames.length > 0;
      if (!isOurFault && clock.monotonic() - this.#heardAt > limits.remoteSilenceMsMax) {
        return this.close(new TransportError('timeout', `${this.relay} went silent`));
      }
      this.#socket?.ping();
      cancel = clock.after(limits.remotePingIntervalMs, beat);
    };
    cancel = clock.after(limits.remotePingIntervalMs, beat);
    return () => cancel();
  }

  #end(error: TransportError | undefined): void {
    this.#ended ??= { error };
    this.#wakeup.notify();
  }
}
