import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';
import type { NostrEvent } from '../../nostr/event.js';
import { kinds } from '../../nostr/kinds.js';
import { parseAnnouncement, repositoryAddress } from '../../nostr/repository.js';
import type { RepositoryId } from '../../repositories/repository-directory.js';
import type { RepositoryServing } from '../../repositories/serving.js';
import type { Core } from '../core.js';

/** What knows all announcements. */
export type AnnouncementParts = Pick<Core, 'store' | 'directory' | 'purgatory'> & {
  /** Announcements are many: they are looked at in turns of the event loop, until the signal aborts. */
  readonly turns: WorkTurns;
  readonly signal: AbortSignal;
};

/** Which repositories would be served by other rules, without changing anything. */
export async function servedBy(
  serving: Pick<RepositoryServing, 'serves'>,
  parts: AnnouncementParts,
): Promise<(repository: RepositoryId) => boolean> {
  const { directory } = parts;
  const served = new Set<string>();
  const take = (event: NostrEvent) => {
    const announcement = parseAnnouncement(event);
    if (serving.serves(announcement)) served.add(announcement.address);
  };
  for await (const event of storedAnnouncements(parts)) {
    if (directory.repositoryOf(event.id) !== undefined) take(event);
  }
  for (const event of heldAnnouncements(parts)) {
    const { pubkey, identifier } = parseAnnouncement(event);
    if (!directory.isAnnounced({ pubkey, identifier })) take(event);
  }
  return ({ pubkey, identifier }) => served.has(repositoryAddress(pubkey, identifier));
}

/** Judges all announcements anew, after the rules changed; gives the repositories to which we stand otherwise than before. */
export async function judgeAllAnew(parts: AnnouncementParts): Promise<RepositoryId[]> {
  const { directory } = parts;
  const changed: RepositoryId[] = [];
  for await (const event of storedAnnouncements(parts)) {
    const repository = directory.judgeAnew(event);
    if (repository !== undefined) changed.push(repository);
  }
  for (const event of heldAnnouncements(parts)) {
    const { pubkey, identifier } = parseAnnouncement(event);
    const wasServed = directory.isServed({ pubkey, identifier });
    directory.onHeld(event);
    if (directory.isServed({ pubkey, identifier }) !== wasServed) changed.push({ pubkey, identifier });
  }
  return changed;
}

async function* storedAnnouncements({ store, turns, signal }: AnnouncementParts): AsyncGenerator<NostrEvent> {
  for await (const events of store.query([{ kinds: [kinds.repositoryAnnouncement] }], turns)) {
    for (const { event } of events) {
      if (turns.isOver) await turns.next(signal);
      yield event;
    }
    signal.throwIfAborted();
  }
}

function heldAnnouncements({ purgatory }: AnnouncementParts): NostrEvent[] {
  const held = [...purgatory.all()].map(({ event }) => event);
  return held.filter(({ kind }) => kind === kinds.repositoryAnnouncement);
}
