import type { EventSource } from '../../admission/admission.js';
import { exceeds } from '../../config/limit-use.js';
import { limits } from '../../config/limits.js';
import type { CancelTimer, Clock } from '../../lib/clock.js';
import type { NostrEvent } from '../../nostr/event.js';
import type { RelayMessage } from '../../nostr/message.js';

/** An answer on one subscription id, other than an event. */
export type ChannelMessage = Extract<
  RelayMessage,
  { type: 'EOSE' | 'CLOSED' | 'NEG-MSG' | 'NEG-ERR' | 'NOTICE' }
>;

/** What is told to the one who asked. Listeners must not throw. */
export type ChannelListener = {
  /** The source under which events of this channel are admitted; their room is waited for before `onEvent`. */
  readonly source: EventSource['type'];
  onEvent(event: NostrEvent): void;
  /** Also every NOTICE, for it does not say whom it is for. False when nobody waited for it. */
  onMessage(message: ChannelMessage): boolean;
  /** Nothing came within the time limit. */
  onSilent(): void;
  /** The connection ended. */
  onGone(): void;
};

type ChannelParts = {
  readonly clock: Clock;
  /** Whether we have not yet looked at all that came, so that silence is our own fault. */
  readonly isBehind: () => boolean;
  readonly send: (message: readonly unknown[]) => void;
};

/** One subscription id on one connection, with the time limit of what is asked under it. */
export class Channel {
  readonly id: string;
  readonly listener: ChannelListener;
  readonly #parts: ChannelParts;
  /** Whether the remote closed it, and so need not be told that we do. */
  #isClosed = false;
  #cancel: CancelTimer | undefined;

  constructor(id: string, listener: ChannelListener, parts: ChannelParts) {
    this.id = id;
    this.listener = listener;
    this.#parts = parts;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Sends a message, to which something has to come within the time limit. */
  ask(message: readonly unknown[], limitMs: number = limits.remoteRequestMsMax): void {
    this.#parts.send(message);
    this.#expect(limitMs);
  }

  /** Takes an answer. False when nobody waited for it; otherwise the time limit begins anew, if one runs. */
  take(message: ChannelMessage): boolean {
    if (message.type === 'CLOSED' || message.type === 'NEG-ERR') this.#isClosed = true;
    if (!this.listener.onMessage(message)) return false;
    this.touch();
    return true;
  }

  /** Something came: the time limit begins anew, if one runs. */
  touch(): void {
    if (this.#cancel !== undefined) this.#expect(limits.remoteRequestMsMax);
  }

  /** Nothing is expected any more. */
  rest(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #expect(limitMs: number): void {
    this.rest();
    this.#cancel = this.#parts.clock.after(limitMs, () => {
      if (this.#parts.isBehind()) this.#expect(limitMs);
      else this.listener.onSilent();
    });
  }
}

/** The channels that are open on one connection, by subscription id. */
export class Channels {
  readonly #parts: ChannelParts;
  readonly #channels = new Map<string, Channel>();
  /** Those closed last, of which one more message may be on its way: many relays answer a CLOSE. */
  readonly #closed = new Set<string>();
  #opened = 0;

  constructor(parts: ChannelParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#channels.size;
  }

  get(id: string): Channel | undefined {
    return this.#channels.get(id);
  }

  /** All of them as they are now, whatever those who are told of something do. */
  all(): Channel[] {
    return [...this.#channels.values()];
  }

  /** Opens one under an id that this connection has not seen. */
  open(prefix: string, listener: ChannelListener): Channel {
    this.#opened += 1;
    const channel = new Channel(`${prefix}${this.#opened}`, listener, this.#parts);
    this.#channels.set(channel.id, channel);
    return channel;
  }

  /** Closes one; `message` tells the remote, unless it closed first. */
  close(channel: Channel, message: 'CLOSE' | 'NEG-CLOSE' = 'CLOSE'): void {
    channel.rest();
    if (!this.#channels.delete(channel.id)) return;
    this.#closed.add(channel.id);
    if (exceeds('remoteClosedChannelsMax', this.#closed.size)) this.#forgetClosed();
    if (!channel.isClosed) this.#parts.send([message, channel.id]);
  }

  /** Whether a message for that id may have crossed with our CLOSE; true once for each. */
  mayStillHear(id: string): boolean {
    return this.#closed.delete(id);
  }

  /** The connection ended: all are told. */
  end(): void {
    for (const channel of this.all()) {
      channel.rest();
      channel.listener.onGone();
    }
    this.#channels.clear();
  }

  #forgetClosed(): void {
    for (const oldest of this.#closed) {
      this.#closed.delete(oldest);
      return;
    }
  }
}
