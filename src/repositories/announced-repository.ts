import { exceeds } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import type { NostrEvent } from '../nostr/event.js';
import type { Announcement } from '../nostr/repository.js';
import type { RepositoryServing } from './serving.js';

/** How we stand to the repository of an announcement: it lists us, we serve it as an archive, or neither. */
export type Standing = 'hosted' | 'archived' | 'stranger';

/** What is kept in memory of an announcement, beside who maintains the repository. */
export type AnnouncedRepository = {
  readonly eventId: string;
  readonly address: string;
  readonly pubkey: string;
  readonly identifier: string;
  /** What lists show of it and search in, cut; empty where it is not served. */
  readonly name: string;
  readonly description: string;
  /** When it was announced, in seconds since 1970. */
  readonly announcedAt: number;
  readonly standing: Standing;
  /** Whether what is new of it is served only when its git data is here. */
  readonly awaitsGitData: boolean;
  /** The relays that it names and that can be synced with: without our own service, and not without end. */
  readonly relays: readonly string[];
};

/** What decides how we stand to a repository. */
export type ServingOfAnnouncements = Pick<RepositoryServing, 'serves' | 'isOwnService' | 'awaitsGitData'>;

export function announcedRepository(
  event: Pick<NostrEvent, 'id' | 'created_at'>,
  announcement: Announcement,
  serving: ServingOfAnnouncements,
): AnnouncedRepository {
  const { address, pubkey, identifier } = announcement;
  const others = announcement.relays.filter((url) => !serving.isOwnService(url));
  const namesUs = others.length < announcement.relays.length;
  const standing = !serving.serves(announcement) ? 'stranger' : namesUs ? 'hosted' : 'archived';
  const relays = others
    .filter((url) => !exceeds('syncRelayUrlCharsMax', url.length))
    .slice(0, limits.syncRelaysPerAnnouncementMax);
  const awaitsGitData = serving.awaitsGitData(announcement);
  const isServed = standing !== 'stranger';
  return {
    eventId: event.id,
    address,
    pubkey,
    identifier,
    name: isServed ? shortened(announcement.name, limits.listedNameCharsMax) : '',
    description: isServed ? shortened(announcement.description, limits.listedDescriptionCharsMax) : '',
    announcedAt: event.created_at,
    standing,
    awaitsGitData,
    relays,
  };
}

/** The beginning of a text in memory of its own: a mere slice would keep the whole text alive. */
function shortened(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : Buffer.from(text.slice(0, charsMax)).toString();
}
