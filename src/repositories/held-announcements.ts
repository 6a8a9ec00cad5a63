import type { NostrEvent } from '../nostr/event.js';
import { type Announcement, parseAnnouncement } from '../nostr/repository.js';
import {
  type AnnouncedRepository,
  announcedRepository,
  type ServingOfAnnouncements,
} from './announced-repository.js';
import { type ByRepository, enter, leave } from './by-repository.js';
import type { RepositoryId } from './repository-directory.js';

/** A held announcement: the repository, and whom it names. */
export type HeldAnnouncement = Pick<Announcement, 'maintainers' | 'hasRoles'> & {
  readonly repository: AnnouncedRepository;
};

/** The announcements to whose repositories nothing was pushed yet: those are few. */
export class HeldAnnouncements {
  readonly #serving: ServingOfAnnouncements;
  readonly #all: ByRepository<HeldAnnouncement> = new Map();

  constructor(serving: ServingOfAnnouncements) {
    this.#serving = serving;
  }

  at({ pubkey, identifier }: RepositoryId): HeldAnnouncement | undefined {
    return this.#all.get(identifier)?.get(pubkey);
  }

  *repositories(): IterableIterator<AnnouncedRepository> {
    for (const byAuthor of this.#all.values())
      for (const { repository } of byAuthor.values()) yield repository;
  }

  /** Enters an announcement, in the place of an older one; gives its repository. Throws `InvalidEventError`. */
  enter(event: NostrEvent): AnnouncedRepository {
    const announcement = parseAnnouncement(event);
    const { maintainers, hasRoles } = announcement;
    const repository = announcedRepository(event, announcement, this.#serving);
    enter(this.#all, repository, { repository, maintainers, hasRoles });
    return repository;
  }

  /** Takes an announcement out that is held no longer; gives its repository, unless another stands in its place. */
  leave({ id, pubkey, tags }: NostrEvent): RepositoryId | undefined {
    const identifier = tags.find(([name]) => name === 'd')?.[1] ?? '';
    const place = { pubkey, identifier };
    if (this.at(place)?.repository.eventId !== id) return undefined;
    leave(this.#all, place);
    return place;
  }
}
