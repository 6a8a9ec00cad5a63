import type { EventSource } from '../../admission/admission.js';
import { type Deferred, deferred } from '../../lib/abort.js';
import type { Clock } from '../../lib/clock.js';
import { InvalidMessageError, parseRelayMessage, type RelayMessage } from '../../nostr/message.js';
import type { SyncLogger } from '../report/logger.js';
import type { Authentication } from './authentication.js';
import type { Channels } from './channels.js';
import type { Reading } from './peer-behaviour.js';
import { readRefusal } from './refusal.js';
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
  /** The remote wants us to ask less often. */
  slowDown(): void;
  /** The remote said why it does not answer. */
  excuse(): void;
  tighten(what: 'subscriptions' | 'filters'): void;
  /** So much came of what catch-up asked for. */
  progressed(bytes: number, events: number): void;
  /** The message answers nothing, or cannot be read. */
  violation(): void;
};

/** Reads what a remote sends, message by message, and gives each to the one it is for, at the pace of admission. */
export class MessageReader {
  readonly #target: MessageTarget;
  /** The wait of the event that is being looked at. */
  #turn: Deferred<void> | undefined;
  #reading: Reading = { bytes: 0, ms: 0 };

  constructor(target: MessageTarget) {
    this.#target = target;
  }

  /** What it took to read the message that is being looked at. */
  get reading(): Reading {
    return this.#reading;
  }

  /** Resolves when the next message may be taken. */
  async take(frame: string): Promise<void> {
    const { authentication, channels } = this.#target;
    const message = this.#read(frame);
    if (message === undefined || message.type === 'COUNT') {
      this.#target.violation();
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
        if (readRefusal(message.reason).type === 'slow-down') this.#target.slowDown();
        if (!authentication.onOk(message)) this.#target.violation();
        return;
      case 'AUTH':
        // Asked for by nobody: one is in order, a flood is not.
        this.#target.violation();
        authentication.onChallenge(message.challenge);
        return;
      default: {
        const channel = channels.get(message.subscription);
        if (channel === undefined) {
          if (!channels.mayStillHear(message.subscription)) this.#target.violation();
        } else if (channel.listener.onMessage(message)) {
          channel.touch();
          if (message.type === 'NEG-MSG') this.#target.progressed(frame.length, 0);
        } else {
          this.#target.violation();
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
    if (channel === undefined) return this.#target.violation();
    const { source } = channel.listener;
    if (source !== 'live_sync') this.#target.progressed(bytes, 1);
    await this.#room(source);
    channel.touch();
    channel.listener.onEvent(message.event);
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
    const { relay, logger, channels } = this.#target;
    this.#target.violation();
    logger.debug({ relay, notice: message.text.slice(0, 200) }, 'notice from relay');
    const refusal = readRefusal(message.text);
    if (refusal.type !== 'other') this.#target.excuse();
    if (refusal.type === 'slow-down') this.#target.slowDown();
    else if (refusal.type === 'too-many-subscriptions') this.#target.tighten('subscriptions');
    else if (refusal.type === 'too-many-filters') this.#target.tighten('filters');
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
