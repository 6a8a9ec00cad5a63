import type { EventSource } from '../../admission/admission.js';
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

/** What bounds the wait for an answer. */
export type ChannelTime = {
  readonly clock: Clock;
  readonly limitMs: number;
  /** Whether we have not yet looked at all that came, so that silence is our own fault. */
  readonly isBehind: () => boolean;
};

/** One subscription id on one connection, with the time limit of what is asked under it. */
export class Channel {
  readonly id: string;
  readonly listener: ChannelListener;
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #isBehind: () => boolean;
  #cancel: CancelTimer | undefined;

  constructor(id: string, listener: ChannelListener, time: ChannelTime) {
    this.id = id;
    this.listener = listener;
    this.#clock = time.clock;
    this.#limitMs = time.limitMs;
    this.#isBehind = time.isBehind;
  }

  /** From now on something has to come within the time limit, or the given one. */
  expect(limitMs = this.#limitMs): void {
    this.rest();
    this.#cancel = this.#clock.after(limitMs, () => {
      if (this.#isBehind()) this.expect(limitMs);
      else this.listener.onSilent();
    });
  }

  /** Something came: the time limit begins anew, if one runs. */
  touch(): void {
    if (this.#cancel !== undefined) this.expect();
  }

  /** Nothing is expected any more. */
  rest(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
