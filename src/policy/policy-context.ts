import type { NostrEvent } from '../nostr/event.js';
import type { Purgatory } from '../purgatory/purgatory.js';
import type { RepositoryDirectory } from '../repositories/repository-directory.js';
import type { RepositoryServing } from '../repositories/serving.js';
import type { EventStore } from '../store/event-store.js';
import type { Decision } from './decision.js';
import type { Reading } from './structure.js';

/** What the operator banned while the daemon ran (`moderation/`). */
export type Bans = {
  /** Why the event is refused, whatever is stored: one of the two reasons below. */
  refusalOf(event: Pick<NostrEvent, 'id' | 'pubkey'>): string | undefined;
};

export const authorBanned = 'blocked: the author is banned from this relay';
export const eventBanned = 'blocked: this event is banned from this relay';

/** What all sub-policies share. */
export type PolicyContext = {
  /** Whether a repository is served, by domain, lists and archive settings. */
  readonly serving: RepositoryServing;
  /** The stored events: only the questions that the index answers at once. */
  readonly store: Pick<EventStore, 'kindOf' | 'hasAt' | 'some'>;
  /** The held events; without it nothing is held. */
  readonly purgatory?: Pick<Purgatory, 'relativesOf'>;
  /** Announcements, maintainers, states and pull requests among them. */
  readonly directory: RepositoryDirectory;
  /** Public keys in hex: nothing of theirs is taken. Asked for with each event, for it may change. */
  readonly eventBlacklist: ReadonlySet<string>;
  /** Without it nothing is banned. */
  readonly bans?: Bans;
};

/** The rules for some kinds, in two steps; `Subject` is what the second needs of the first. */
export type SubPolicy<Subject> = {
  /** Reads the event; the reason is one for which it is refused whatever is stored. */
  read(event: NostrEvent): Reading<Subject>;
  /** Decides by what is stored. */
  decide(event: NostrEvent, subject: Subject): Decision;
};
