import { limits } from '../config/limits.js';
import type { NostrEvent } from '../nostr/event.js';
import { type Announcement, parseAnnouncement, repositoryAddress } from '../nostr/repository.js';
import { reading } from '../policy/structure.js';
import type { Purgatory } from '../purgatory/purgatory.js';
import type { RepositoryDirectory, RepositoryId } from '../repositories/repository-directory.js';
import type { EventStore } from '../store/event-store.js';

export type AnnouncementSources = {
  readonly directory: Pick<RepositoryDirectory, 'maintainersOf' | 'repositoryAt'>;
  readonly store: Pick<EventStore, 'get'>;
  readonly purgatory: Pick<Purgatory, 'announcementOf'>;
};

/** The announcements of all who maintain a repository, stored and held; its own comes first. */
export async function announcementsOf(
  { directory, store, purgatory }: AnnouncementSources,
  { pubkey, identifier }: RepositoryId,
): Promise<Announcement[]> {
  const others = [...directory.maintainersOf({ pubkey, identifier })].filter((key) => key !== pubkey);
  const announcements: Announcement[] = [];
  for (const key of [pubkey, ...others.slice(0, limits.gitAnnouncementsMax)]) {
    const eventId = directory.repositoryAt(repositoryAddress(key, identifier))?.eventId;
    const stored = eventId === undefined ? undefined : (await store.get(eventId))?.event;
    const event: NostrEvent | undefined =
      stored ?? purgatory.announcementOf({ pubkey: key, identifier })?.event;
    const read = event === undefined ? undefined : reading(() => parseAnnouncement(event));
    if (read !== undefined && 'value' in read) announcements.push(read.value);
  }
  return announcements;
}
