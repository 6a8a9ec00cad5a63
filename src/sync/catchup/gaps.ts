import type { NostrEvent } from '../../nostr/event.js';
import {
  announcementsTopic,
  authorTopic,
  everythingTopic,
  type Layer,
  type Topic,
} from '../topics/layers.js';

/**
 * Whether catch-up found what live sync should have brought (docs/sync.md §7): the live subscription to that relay
 * for a filter that matches the event was first opened before the event's `created_at`. First-time history is no gap,
 * and the date of an event from the future (`now` is in seconds) does not tell when it was there.
 */
export function isGap(
  event: NostrEvent,
  layer: Layer,
  topics: { stateOf(topic: Topic): { readonly openedAt: number | undefined } | undefined },
  now: number,
): boolean {
  if (event.created_at > now) return false;
  const wasOpen = (topic: string) =>
    (topics.stateOf(topic)?.openedAt ?? Number.POSITIVE_INFINITY) < event.created_at;
  if (layer === 'everything') return wasOpen(everythingTopic);
  if (layer === 'announcements') return wasOpen(announcementsTopic);
  if (layer === 'author') return wasOpen(authorTopic(event.pubkey));
  const names = layer === 'repository' ? ['a', 'A', 'q'] : ['e', 'E', 'q'];
  return event.tags.some(
    ([name, value]) => name !== undefined && names.includes(name) && wasOpen(value ?? ''),
  );
}
