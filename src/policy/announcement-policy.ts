import type { NostrEvent } from '../nostr/event.js';
import { type Announcement, parseAnnouncement } from '../nostr/repository.js';
import { checkedIdentifier } from '../repositories/repository-identifier.js';
import type { Serving } from '../repositories/serving.js';
import { accept, type Decision, reject } from './decision.js';
import { alignMaintained } from './effects.js';
import type { PolicyContext, SubPolicy } from './policy-context.js';
import { type Reading, reading } from './structure.js';

type Subject = { readonly announcement: Announcement; readonly serving: Serving };

/**
 * Kind 30617: accepted when it lists our service or the archive settings admit it, both of which give it a
 * repository; or by the maintainer exception, which does not. Otherwise refused.
 */
export class AnnouncementPolicy implements SubPolicy<Subject> {
  readonly #context: PolicyContext;

  constructor(context: PolicyContext) {
    this.#context = context;
  }

  read(event: NostrEvent): Reading<Subject> {
    const read = reading(() => {
      checkedIdentifier(event);
      return parseAnnouncement(event);
    });
    if ('reason' in read) return read;
    const serving = this.#context.serving.of(read.value);
    if (serving.type === 'blacklisted') return { reason: serving.reason };
    return { value: { announcement: read.value, serving } };
  }

  decide(_event: NostrEvent, { announcement, serving }: Subject): Decision {
    const { directory } = this.#context;
    const isException = directory.isMaintainer(announcement.pubkey, announcement.identifier);
    if (serving.type === 'refused' && !isException) return reject(serving.reason);
    return accept(alignMaintained(directory, announcement));
  }
}
