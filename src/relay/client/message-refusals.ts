import type { InvalidMessageError } from '../../nostr/message.js';
import { closedFrame, noticeFrame, okFrame } from '../frames/frames.js';
import type { Outbox } from '../frames/outbox.js';
import type { ClientNegentropy } from './client-negentropy.js';
import type { ClientSubscriptions } from './client-subscriptions.js';
import type { Publisher } from './publisher.js';
import type { RequestQueue } from './request-queue.js';

export type MessageRefusalParts = {
  readonly outbox: Outbox;
  readonly publisher: Pick<Publisher, 'refuse'>;
  readonly subscriptions: Pick<ClientSubscriptions, 'close'>;
  readonly negentropy: Pick<ClientNegentropy, 'fail'>;
  readonly requests: Pick<RequestQueue, 'push'>;
};

/** Says why a message of a client is not taken, in the way that fits its type; what it was about ends. */
export class MessageRefusals {
  readonly #parts: MessageRefusalParts;

  constructor(parts: MessageRefusalParts) {
    this.#parts = parts;
  }

  /** Of a message that cannot be read, where its subject could be seen; `chars` is the length of its frame. */
  unreadable({ message, messageType, subject, cause }: InvalidMessageError, chars: number): void {
    const { outbox, publisher } = this.#parts;
    const reason = `invalid: ${message}`;
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
