import type { NostrEvent } from '../nostr/event.js';
import { type Announcement, parseAnnouncement } from '../nostr/repository.js';
import { accept, type Decision, reject } from './decision.js';
import { alignMaintained } from './effects.js';
import type { PolicyContext, SubPolicy } from './policy-context.js';
import { checkedIdentifier } from './repository-identifier.js';
import { type Reading, reading } from './structure.js';

/**
 * Kind 30617: accepted when it lists our service or the archive settings admit it, both of which give it a
 * repository; or by the maintainer exception, which does not. Otherwise refused.
 */
export class AnnouncementPolicy implements SubPolicy {
  readonly #context: PolicyContext;

  constructor(context: PolicyContext) {
    this.#context = context;
  }

  precheck(event: NostrEvent): string | undefined {
    const read = readAnnouncement(event);
    if ('reason' in read) return read.reason;
    const serving = this.#context.serving.of(read.value);
    return serving.type === 'blacklisted' ? serving.reason : undefined;
  }

  decide(event: NostrEvent): Decision {
    const read = readAnnouncement(event);
    if ('reason' in read) return reject(read.reason);
    const { serving, directory } = this.#context;
    const announcement = read.value;
    const verdict = serving.of(announcement);
    if (verdict.type === 'blacklisted') return reject(verdict.reason);
    const isException = directory.isMaintainer(announcement.pubkey, announcement.identifier);
    if (verdict.type === 'refused' && !isException) return reject(verdict.reason);
    return accept(alignMaintained(directory, announcement));
  }
}

function readAnnouncement(event: NostrEvent): Reading<Announcement> {
  return reading(() => {
    checkedIdentifier(event);
    return parseAnnouncement(event);
  });
}
