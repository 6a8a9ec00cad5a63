import type { AddressAccount } from '../../lib/budgets/address-accounts.js';
import { Violations } from '../../lib/budgets/violations.js';
import type { Clock } from '../../lib/clock.js';
import { errorCode } from '../../lib/errors.js';
import type { InvalidMessageError } from '../../nostr/message.js';
import { closedFrame, noticeFrame, okFrame } from '../frames/frames.js';
import type { Outbox } from '../frames/outbox.js';
import { violationLimits } from '../settings.js';
import type { ClientNegentropy } from './client-negentropy.js';
import type { ClientSubscriptions } from './client-subscriptions.js';
import type { Publisher } from './publisher.js';
import type { RequestQueue } from './request-queue.js';

export type MessageRefusalParts = {
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly account: Pick<AddressAccount, 'takeRequest' | 'noteViolation' | 'noteRefusal'>;
  readonly outbox: Outbox;
  readonly publisher: Pick<Publisher, 'refuse'>;
  readonly subscriptions: Pick<ClientSubscriptions, 'close'>;
  readonly negentropy: Pick<ClientNegentropy, 'fail'>;
  readonly requests: Pick<RequestQueue, 'push'>;
  /** The client, or its address, sent too much that is refused. */
  readonly onTooMuch: () => void;
};

/**
 * Says why a message of a client is not taken, in the way that fits its type; what it was about ends. Who sends too much that
 * cannot be read, or that is above the rates, is not told for ever.
 */
export class MessageRefusals {
  readonly #parts: MessageRefusalParts;
  readonly #violations: Violations;

  constructor(parts: MessageRefusalParts) {
    this.#parts = parts;
    this.#violations = new Violations(parts.clock, violationLimits);
  }

  /** Of a message of that many bytes that is no text. */
  binary(bytes: number): void {
    this.#parts.outbox.send(noticeFrame('invalid: a message is text, not binary'));
    this.violation(bytes, 0);
  }

  /** Of a message that cannot be read; `chars` is the length of its frame, which took that long. */
  unreadable(error: InvalidMessageError, chars: number, ms: number): void {
    this.#answerUnreadable(error, chars);
    this.violation(chars, ms);
  }

  /** Counts a request for the address, whose message took that long to read, or says why not. */
  takeRequest(ms: number): string | undefined {
    const refusal = this.#parts.account.takeRequest();
    if (refusal !== undefined) this.overRate(ms);
    return refusal;
  }

  /** Notes a message above a rate, which took that long to read. */
  overRate(ms: number): void {
    const isTooMuch = this.#violations.noteRefusal(ms);
    if (this.#parts.account.noteRefusal(ms) || isTooMuch) this.#parts.onTooMuch();
  }

  /** Notes a message of that many bytes that nobody needs to send, which took that long to read. */
  violation(bytes: number, ms: number): void {
    const isTooMuch = this.#violations.note(bytes, ms);
    if (this.#parts.account.noteViolation(bytes, ms) || isTooMuch) this.#parts.onTooMuch();
  }

  /** Says so where its subject could be seen. */
  #answerUnreadable({ message, messageType, subject, cause }: InvalidMessageError, chars: number): void {
    const { outbox, publisher } = this.#parts;
    const reason = `${isUnsupported(cause) ? 'unsupported' : 'invalid'}: ${message}`;
    // Without a cause it is the subscription id itself that is wrong, and the subject only a part of it.
    const isAboutId = cause === undefined && (messageType === 'REQ' || messageType === 'COUNT');
    if (subject === undefined || isAboutId) {
      outbox.send(noticeFrame(reason));
      return;
    }
    switch (messageType) {
      case 'EVENT':
        publisher.refuse(subject, reason, chars);
        break;
      case 'AUTH':
        outbox.send(okFrame(subject, false, reason));
        break;
      default:
        this.aboutSubscription(messageType, subject, reason);
        break;
    }
  }

  /** Of a message about a subscription. */
  aboutSubscription(type: string, subscription: string, reason: string): void {
    const { outbox, subscriptions, negentropy, requests } = this.#parts;
    switch (type) {
      case 'REQ':
        // It would have replaced a subscription with that id, and the client takes it for closed.
        subscriptions.close(subscription);
        outbox.send(closedFrame(subscription, reason));
        break;
      case 'COUNT':
        outbox.send(closedFrame(subscription, reason));
        break;
      case 'NEG-OPEN':
      case 'NEG-MSG':
      case 'NEG-CLOSE':
        requests.push({ chars: reason.length, run: () => negentropy.fail(subscription, reason) });
        break;
      default:
        outbox.send(noticeFrame(reason));
        break;
    }
  }
}

/** Whether it asks for what a relay may leave out, which NIP-01 has another word for than for what is wrong. */
function isUnsupported(cause: unknown): boolean {
  return errorCode(cause) === 'unsupported_filter';
}
