import type { EventSource } from '../../admission/admission.js';
import { type Deferred, deferred } from '../../lib/abort.js';
import type { Clock } from '../../lib/clock.js';
import { InvalidMessageError, parseRelayMessage, type RelayMessage } from '../../nostr/message.js';
import type { SyncLogger } from '../report/logger.js';
import type { Authentication } from './authentication.js';
import type { Channels } from './channels.js';
import type { PeerBehaviour } from './peer-behaviour.js';
import { type Rejection, readRejection } from './rejection.js';
import type { RemoteEventSubmitter } from './remote-event-submitter.js';

type MessageOf<Type extends RelayMessage['type']> = Extract<RelayMessage, { type: Type }>;

/** Where the messages of a remote go. */
export type MessageTarget = {
  readonly relay: string;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly logger: SyncLogger;
  readonly submitter: RemoteEventSubmitter;
  readonly authentication: Pick<Authentication, 'onOk' | 'onChallenge'>;
  readonly channels: Pick<Channels, 'get' | 'all' | 'mayStillHear'>;
  readonly behaviour: PeerBehaviour;
  /** Changes how we ask, as far as the remote wants that. */
  adaptTo(rejection: Rejection): void;
};

/** Reads what a remote sends, message by message, and gives each to the one it is for, at the pace of admission. */
export class MessageReader {
  readonly #target: MessageTarget;
  /** The wait of the event that is being looked at. */
  #turn: Deferred<void> | undefined;
  /** What it took to read the message that is being looked at. */
  #reading = { bytes: 0, ms: 0 };
  readonly #caughtUp = { bytes: 0, events: 0 };

  constructor(target: MessageTarget) {
    this.#target = target;
  }

  /** What came of what catch-up asked for. */
  get caughtUp(): { readonly bytes: number; readonly events: number } {
    return this.#caughtUp;
  }

  /** The message that is being looked at answers nothing, or cannot be read. */
  violation(): void {
    this.#target.behaviour.violation(this.#reading);
  }

  /** Resolves when the next message may be taken. */
  async take(frame: string): Promise<void> {
    const { authentication, channels, behaviour } = this.#target;
    const message = this.#read(frame);
    if (message === undefined || message.type === 'COUNT') {
      this.violation();
      return;
    }
    switch (message.type) {
      case 'EVENT':
        await this.#onEvent(message, frame.length);
        return;
      case 'NOTICE':
        this.#onNotice(message);
        return;
      case 'OK':
        if (readRejection(message.reason).type === 'slow-down') behaviour.slowDown();
        if (!authentication.onOk(message)) this.violation();
        return;
      case 'AUTH':
        // Asked for by nobody: one is in order, a flood is not.
        this.violation();
        authentication.onChallenge(message.challenge);
        return;
      default: {
        const channel = channels.get(message.subscription);
        if (channel === undefined) {
          if (!channels.mayStillHear(message.subscription)) this.violation();
        } else if (channel.take(message)) {
          if (message.type === 'NEG-MSG') this.#count(frame.length, 0);
        } else {
          this.violation();
        }
      }
    }
  }

  /** Waits no longer for room in admission: the connection ends. */
  stop(): void {
    this.#turn?.resolve();
  }

  async #onEvent(message: MessageOf<'EVENT'>, bytes: number): Promise<void> {
    const channel = this.#target.channels.get(message.subscription);
    if (channel === undefined) return this.violation();
    const { source } = channel.listener;
    if (source !== 'live_sync') this.#count(bytes, 1);
    await this.#room(source);
    channel.touch();
    channel.listener.onEvent(message.event);
  }

  #count(bytes: number, events: number): void {
    this.#caughtUp.bytes += bytes;
    this.#caughtUp.events += events;
  }

  #read(frame: string): RelayMessage | undefined {
    const { clock } = this.#target;
    const begunAt = clock.monotonic();
    const message = parse(frame);
    this.#reading = { bytes: frame.length, ms: clock.monotonic() - begunAt };
    return message;
  }

  async #room(source: EventSource['type']): Promise<void> {
    const turn = deferred<void>();
    this.#turn = turn;
    this.#target.submitter.room(source).then(turn.resolve, turn.reject);
    await turn.promise;
  }

  #onNotice(message: MessageOf<'NOTICE'>): void {
    const { relay, logger, channels, behaviour, adaptTo } = this.#target;
    this.violation();
    logger.debug({ relay, notice: message.text.slice(0, 200) }, 'notice from relay');
    const rejection = readRejection(message.text);
    if (rejection.type !== 'other') behaviour.excuse();
    adaptTo(rejection);
    for (const channel of channels.all()) channel.listener.onMessage(message);
  }
}

function parse(frame: string): RelayMessage | undefined {
  try {
    return parseRelayMessage(frame);
  } catch (error) {
    if (error instanceof InvalidMessageError) return undefined;
    throw error;
  }
}
