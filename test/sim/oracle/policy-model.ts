import type { NostrEvent } from '../../../src/nostr/event.js';
import { KeptEvents, readAnnouncement } from './kept-events.js';

/** How the world's names are read: which URL is ours, which relay a text names. */
export type Names = {
  readonly isOurs: (url: string) => boolean;
  readonly relayOf: (spelling: string) => string | undefined;
};

/**
 * The write policy once more, written from its specification alone and as plainly as possible: whether an event
 * would be accepted next to `kept`.
 */
export function isAcceptable(event: NostrEvent, kept: KeptEvents, names: Names): boolean {
  switch (event.kind) {
    case 30_617:
      return isAcceptableAnnouncement(event, kept, names);
    case 30_618:
      return isAcceptableState(event, kept);
    case 1618:
    case 1619: {
      const commit = event.tags.find(([name]) => name === 'c')?.[1];
      return commit !== undefined && /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(commit) && kept.isRelated(event);
    }
    case 5:
      return event.tags.some(([name, value]) => deletes(event, name, value));
    case 10_317:
      return true;
    default:
      return kept.isRelated(event);
  }
}

function isAcceptableAnnouncement(event: NostrEvent, kept: KeptEvents, names: Names): boolean {
  const read = readAnnouncement(event, names.isOurs, names.relayOf);
  if (read === undefined) return false;
  return read.listsUs || kept.isNamed(read.pubkey, read.identifier);
}

function isAcceptableState(event: NostrEvent, kept: KeptEvents): boolean {
  const identifier = event.tags.find(([name]) => name === 'd')?.[1];
  if (identifier === undefined || !kept.hasAnnouncementOf(identifier)) return false;
  // From an announcement's author through `maintainers` one step reaches whom it names, and each of those with an
  // announcement of their own is an author too: so the recursive set is everybody who wrote one or is named in one.
  return kept.isNamed(event.pubkey, identifier);
}

/** Whether a tag of a deletion request names something that its author can delete. */
function deletes(event: NostrEvent, name: string | undefined, value: string | undefined): boolean {
  if (value === undefined) return false;
  if (name === 'e') return /^[0-9a-f]{64}$/.test(value);
  return name === 'a' && value.split(':')[1] === event.pubkey;
}

/**
 * All events that could be accepted in some order of arrival: nothing else may ever be stored. Replaced and deleted
 * events are counted in, for they may have been there when something else arrived.
 */
export function acceptableInSomeOrder(events: readonly NostrEvent[], names: Names): KeptEvents {
  const kept = new KeptEvents(names.isOurs, names.relayOf);
  let waiting = events.filter(isStorable);
  for (let before = -1; before !== waiting.length; ) {
    before = waiting.length;
    waiting = waiting.filter((event) => {
      if (!isAcceptable(event, kept, names)) return true;
      kept.add(event);
      return false;
    });
  }
  return kept;
}

/** Whether an event is dated too far ahead of a clock. */
export function isEarly({ created_at }: NostrEvent, nowSeconds: number): boolean {
  return created_at > Math.floor(nowSeconds) + 86_400;
}

/** Whether an event can be stored at all: no ephemeral kind, a time that a number can tell. */
export function isStorable({ kind, created_at }: NostrEvent): boolean {
  return (kind < 20_000 || kind >= 30_000) && Number.isSafeInteger(created_at);
}
