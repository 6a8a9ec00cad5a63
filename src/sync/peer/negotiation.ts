import { type Deferred, deferred, onAbort } from '../../lib/abort.js';
import type { Filter } from '../../nostr/filter.js';
import type { Channel, ChannelMessage } from './channels.js';
import { rejected, rejectsNegentropy, slowedDown } from './rejection.js';
import type { PeerOutcome, QuestionParts } from './request.js';

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
