import type { KernelEvent, KernelFilter } from './kernels.js';

/** Whether an event matches, by NIP-01; a `since` or `until` of 0 bounds nothing, as in nostr-tools. */
export function matchesFilter(filter: KernelFilter, event: KernelEvent): boolean {
  if (filter.ids && !filter.ids.includes(event.id)) return false;
  if (filter.authors && !filter.authors.includes(event.pubkey)) return false;
  if (filter.kinds && !filter.kinds.includes(event.kind)) return false;
  if (filter.since && event.created_at < filter.since) return false;
  if (filter.until && event.created_at > filter.until) return false;
  return Object.entries(filter).every(([key, values]) => {
    if (!isTagKey(key) || values === undefined) return true;
    const wanted: readonly unknown[] = filter[key] ?? [];
    return event.tags.some(([name, value]) => name === key.slice(1) && wanted.includes(value));
  });
}

/** Whether a key of a filter is about tags. */
export const isTagKey = (key: string): key is `#${string}` => key.startsWith('#');
