import type { Admission, AdmissionOutcome, EventSource } from '../../admission/admission.js';
import type { NostrEvent } from '../../nostr/event.js';
import type { FollowedFeed } from './followed-feed.js';
import type { WriterLink } from './links/writer-link.js';

/** The door for events where another graspd writes: it decides, and what it has is served here before its author has the OK. */
export class PublishedElsewhere
  implements Pick<Admission, 'submit' | 'waitForCapacity' | 'hasCapacity' | 'feed'>
{
  readonly #link: Pick<WriterLink, 'submit' | 'waitForCapacity' | 'hasCapacity'>;
  readonly #feed: Pick<FollowedFeed, 'feed' | 'caughtUp'>;

  constructor(
    link: Pick<WriterLink, 'submit' | 'waitForCapacity' | 'hasCapacity'>,
    feed: Pick<FollowedFeed, 'feed' | 'caughtUp'>,
  ) {
    this.#link = link;
    this.#feed = feed;
  }

  get feed(): Admission['feed'] {
    return this.#feed.feed;
  }

  async submit(event: NostrEvent, source: EventSource): Promise<AdmissionOutcome> {
    const outcome = await this.#link.submit(event, source);
    // Who asks next, on the same connection, finds what was just published, here or elsewhere a moment before.
    if (isStored(outcome)) await this.#feed.caughtUp();
    return outcome;
  }

  async waitForCapacity(): Promise<void> {
    await this.#link.waitForCapacity();
  }

  hasCapacity(): boolean {
    return this.#link.hasCapacity();
  }
}

/** Whether the event, or a newer version of it, is in the database. */
function isStored({ type }: AdmissionOutcome): boolean {
  return type === 'stored' || type === 'known' || type === 'superseded';
}
