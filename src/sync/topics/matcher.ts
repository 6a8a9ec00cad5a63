import type { NostrEvent } from '../../nostr/event.js';
import { type Filter, tagConditions } from '../../nostr/filter.js';

/** Whether an event is an answer to what was asked. */
export type Matcher = (event: NostrEvent) => boolean;

/** Compiles filters for many events: what a remote sends is looked at once per tag, however long the lists are. */
export function matcherOf(filters: readonly Filter[]): Matcher {
  const matchers = filters.map(matcherOfOne);
  return (event) => matchers.some((matches) => matches(event));
}

function matcherOfOne(filter: Filter): Matcher {
  const ids = filter.ids && new Set(filter.ids);
  const authors = filter.authors && new Set(filter.authors);
  const kinds = filter.kinds && new Set(filter.kinds);
  const { since = 0, until = Number.MAX_SAFE_INTEGER } = filter;
  const tags = tagConditions(filter).map(([letter, values]) => ({ letter, values: new Set(values) }));
  return (event) =>
    event.created_at >= since &&
    event.created_at <= until &&
    ids?.has(event.id) !== false &&
    authors?.has(event.pubkey) !== false &&
    kinds?.has(event.kind) !== false &&
    tags.every(({ letter, values }) =>
      event.tags.some(([name, value]) => name === letter && value !== undefined && values.has(value)),
    );
}
