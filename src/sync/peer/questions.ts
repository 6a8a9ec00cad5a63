import type { EventSource } from '../../admission/admission.js';
import { type Deferred, deferred, onAbort } from '../../lib/abort.js';
import type { Clock } from '../../lib/clock.js';
import type { NostrEvent } from '../../nostr/event.js';
import type { Filter } from '../../nostr/filter.js';
import { compileFilters } from '../../nostr/filter-match.js';
import type { Channel, ChannelMessage, Channels } from './channels.js';
import type { PeerBehaviour } from './peer-behaviour.js';
import { type Rejected, type Rejection, rejected, rejectsNegentropy, slowedDown } from './rejection.js';

/** What a question needs of the connection on which it is asked. */
export type QuestionParts = {
  readonly clock: Clock;
  readonly channels: Channels;
  readonly behaviour: PeerBehaviour;
  /** Something came that was not asked for. */
  readonly onViolation: () => void;
};

/** How a question to a remote ended. */
export type PeerOutcome =
  /** All of the answer came. */
  | { readonly type: 'ended' }
  /** For good: where waiting or authentication can help, it was asked again. */
  | Rejected
  /** It wants us to ask less, time and again. */
  | { readonly type: 'overloaded' }
  /** Nothing came within the time limit. */
  | { readonly type: 'silent' }
  /** The connection ended, also because the remote does not let us in (NIP-42). */
  | { readonly type: 'gone' };

/** `cut`: we ended it, for `onEvent` had enough. */
export type RequestOutcome = PeerOutcome | { readonly type: 'cut' };

/** Who asks for stored events. */
export type RequestListener = {
  readonly source: EventSource['type'];
  /** Takes each event that comes under the request; `false` ends it. */
  onEvent(event: NostrEvent): boolean;
};

/** One REQ for stored events, until EOSE. Rejects with the signal's reason. */
export async function runRequest(
  { clock, channels, behaviour }: QuestionParts,
  filters: readonly Filter[],
  listener: RequestListener,
  signal: AbortSignal,
): Promise<RequestOutcome> {
  const ended = deferred<RequestOutcome>();
  const sentAt = clock.monotonic();
  const channel = channels.open('r', {
    source: listener.source,
    onEvent: (event) => {
      if (!listener.onEvent(event)) ended.resolve({ type: 'cut' });
    },
    onMessage: (message) => {
      if (message.type === 'EOSE') ended.resolve({ type: 'ended' });
      else if (message.type === 'CLOSED') ended.resolve(rejected(message.reason));
      else return false;
      return true;
    },
    onSilent: () => ended.resolve(behaviour.wasSlowedSince(sentAt) ? slowedDown : { type: 'silent' }),
    onGone: () => ended.resolve({ type: 'gone' }),
  });
  using _ = onAbort(signal, ended.reject);
  try {
    channel.ask(['REQ', channel.id, ...filters]);
    const outcome = await ended.promise;
    if (outcome.type === 'silent') behaviour.unanswered(sentAt);
    else if (outcome.type !== 'gone' && outcome !== slowedDown) behaviour.answered();
    return outcome;
  } finally {
    channels.close(channel);
  }
}

/** What the remote did with a live subscription. */
export type SubscriptionChange =
  /** It stands (EOSE). */
  | { readonly type: 'confirmed' }
  /** The remote did not confirm it within the time limit: it is closed. */
  | { readonly type: 'silent' }
  /**
   * The remote closed it. `isAdapted`: whether we adapted to what it said, so that the same may be asked for again at
   * once: after the pause that it wants, or in smaller pieces.
   */
  | (Rejected & { readonly isAdapted: boolean });

/** Who wants to know what is new. Is told of nothing before `subscribe` has resolved, nor that the connection ended. */
export type SubscriptionListener = {
  /** Takes each event that matches. */
  onEvent(event: NostrEvent): void;
  onChange(change: SubscriptionChange): void;
};

/** A live subscription that was asked for. */
export type Subscription = {
  readonly id: string;
  /** Closes it, and tells the remote unless that closed it. */
  close(): void;
};

/** Sends a REQ for what is new and matches; what is stored is not asked for. `adaptTo`: see `isAdapted`. */
export function openSubscription(
  { clock, channels, behaviour, onViolation }: QuestionParts,
  filters: readonly Filter[],
  listener: SubscriptionListener,
  adaptTo: (rejection: Rejection) => boolean,
): Subscription {
  const matches = compileFilters(filters);
  const sentAt = clock.monotonic();
  let isConfirmed = false;
  const confirm = () => {
    channel.rest();
    if (isConfirmed) return false;
    isConfirmed = true;
    behaviour.answered();
    listener.onChange({ type: 'confirmed' });
    return true;
  };
  const channel = channels.open('l', {
    source: 'live_sync',
    onEvent: (event) => {
      if (matches(event)) listener.onEvent(event);
      else onViolation();
    },
    onMessage: (message) => {
      if (message.type === 'EOSE') return confirm();
      if (message.type !== 'CLOSED') return false;
      channels.close(channel);
      const end = rejected(message.reason);
      listener.onChange({ ...end, isAdapted: adaptTo(end.rejection) });
      return true;
    },
    onSilent: () => {
      behaviour.unanswered(sentAt);
      channels.close(channel);
      listener.onChange({ type: 'silent' });
    },
    onGone: () => {},
  });
  channel.ask(['REQ', channel.id, ...filters.map((filter) => ({ ...filter, limit: 0 }))]);
  return { id: channel.id, close: () => channels.close(channel) };
}

/** Our side of a reconciliation (NIP-77). Messages are hex. */
export type Negotiator = {
  readonly filter: Filter;
  /** How long the remote may take for its first answer. */
  readonly answerMsMax: number;
  /** The first message; where the remote wanted us to ask again, all begins anew. */
  begin(): string;
  /** The remote answered the first message. */
  onAnswered(): void;
  /** Takes an answer; gives the next message, or `undefined` when nothing is left to ask. What it throws ends the session. */
  receive(message: string): Promise<string | undefined>;
};

/**
 * One NEG session, message by message, until nothing is left to ask. `ready` waits until the remote may be asked, and is
 * false when the connection ended. Rejects with the signal's reason, or as the negotiator does.
 */
export async function runNegotiation(
  parts: QuestionParts,
  negotiator: Negotiator,
  ready: () => Promise<boolean>,
  signal: AbortSignal,
): Promise<PeerOutcome> {
  const first = negotiator.begin();
  using session = new Session(parts, signal);
  let answer = await session.ask(['NEG-OPEN', session.id, negotiator.filter, first], negotiator.answerMsMax);
  if (answer.type === 'message') negotiator.onAnswered();
  while (answer.type === 'message') {
    const next = await negotiator.receive(answer.message);
    if (next === undefined) return { type: 'ended' };
    if (!(await ready())) return { type: 'gone' };
    answer = await session.ask(['NEG-MSG', session.id, next]);
  }
  return answer;
}

/** An answer to one message. */
type Answer =
  | { readonly type: 'message'; readonly message: string }
  | Exclude<PeerOutcome, { type: 'ended' }>;

/** One question, one answer, under one id. */
class Session implements Disposable {
  readonly #parts: QuestionParts;
  readonly #signal: AbortSignal;
  readonly #channel: Channel;
  readonly #aborting: Disposable;
  #answer: Deferred<Answer> | undefined;
  #answers = 0;
  #askedAt = 0;

  constructor(parts: QuestionParts, signal: AbortSignal) {
    const { channels, behaviour, onViolation } = parts;
    this.#parts = parts;
    this.#signal = signal;
    this.#channel = channels.open('n', {
      source: 'catchup',
      onEvent: onViolation,
      onMessage: (message) => this.#onMessage(message),
      onSilent: () =>
        this.#answer?.resolve(behaviour.wasSlowedSince(this.#askedAt) ? slowedDown : { type: 'silent' }),
      onGone: () => this.#answer?.resolve({ type: 'gone' }),
    });
    this.#aborting = onAbort(signal, (reason) => this.#answer?.reject(reason));
  }

  get id(): string {
    return this.#channel.id;
  }

  async ask(message: readonly unknown[], limitMs?: number): Promise<Answer> {
    const { behaviour, clock } = this.#parts;
    this.#signal.throwIfAborted();
    const answered = deferred<Answer>();
    this.#answer = answered;
    this.#askedAt = clock.monotonic();
    this.#channel.ask(message, limitMs);
    const answer = await answered.promise;
    this.#channel.rest();
    this.#answers += 1;
    // A relay that takes NEG-OPEN and is silent cannot do it, which says nothing about the connection.
    if (answer.type === 'silent' && this.#answers > 1) behaviour.unanswered(this.#askedAt);
    if (answer.type === 'message' || (answer.type === 'rejected' && answer !== slowedDown))
      behaviour.answered();
    return answer;
  }

  [Symbol.dispose](): void {
    this.#aborting[Symbol.dispose]();
    this.#parts.channels.close(this.#channel, 'NEG-CLOSE');
  }

  /** False when nobody waited for it. */
  #onMessage(message: ChannelMessage): boolean {
    switch (message.type) {
      case 'NEG-MSG':
        return this.#take({ type: 'message', message: message.payload });
      case 'NEG-ERR':
        return this.#take(rejected(message.reason, message.itemsMax));
      case 'CLOSED':
        return this.#take(rejected(message.reason));
      case 'NOTICE':
        if (this.#answers > 0 || !rejectsNegentropy(message.text)) return false;
        return this.#take(rejected(message.text));
      case 'EOSE':
        return false;
    }
  }

  #take(answer: Answer): boolean {
    const waiting = this.#answer;
    this.#answer = undefined;
    waiting?.resolve(answer);
    return waiting !== undefined;
  }
}
