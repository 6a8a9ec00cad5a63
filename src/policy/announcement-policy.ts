import type { NostrEvent } from '../nostr/event.js';
import { type Announcement, parseAnnouncement } from '../nostr/repository.js';
import { checkedIdentifier } from '../repositories/repository-identifier.js';
import type { Serving } from '../repositories/serving.js';
import { accept, type Decision, hold, reject } from './decision.js';
import { alignMaintained } from './effects.js';
import type { PolicyContext, SubPolicy } from './policy-context.js';
import { type Reading, reading } from './structure.js';

type Subject = { readonly announcement: Announcement; readonly serving: Serving };

/**
 * Kind 30617: accepted when it lists our service or the archive settings admit it, both of which give it a
 * repository; or by the maintainer exception, which does not. Otherwise refused. The first version of one that lists us
 * is held until its git data is here, and one that hangs on a held announcement with that.
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
    const { directory, serving: rules } = this.#context;
    const { pubkey, identifier } = announcement;
    const effects = alignMaintained(directory, announcement);
    if (serving.type !== 'refused') {
      const isFirst = !directory.isAnnounced(announcement);
      return isFirst && rules.awaitsGitData(announcement) ? hold(effects) : accept(effects);
    }
    if (directory.isNamed(pubkey, identifier)) return accept(effects);
    const parents = directory.heldNaming(pubkey, identifier);
    return parents.length > 0 ? hold(effects, parents, serving.reason) : reject(serving.reason);
  }
}
