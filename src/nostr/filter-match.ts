import type { NostrEvent } from './event.js';
import { type Filter, tagConditions } from './filter.js';

/** What of an event filters look at. */
export type FilteredEvent = Omit<NostrEvent, 'content' | 'sig'>;

/** An event whose tags are read once, and only if a filter asks for them: it may have very many, and so may the filters be. */
export class IndexedEvent {
  readonly event: FilteredEvent;
  #tags: ReadonlyMap<string, ReadonlySet<string>> | undefined;

  constructor(event: FilteredEvent) {
    this.event = event;
  }

  /** The first values of the tags of that name. */
  values(name: string): ReadonlySet<string> | undefined {
    this.#tags ??= valuesByName(this.event);
    return this.#tags.get(name);
  }
}

/** Whether an event matches a filter that was prepared for many. */
export type CompiledFilter = (indexed: IndexedEvent) => boolean;

/**
 * Prepares a filter for many events. It matches by NIP-01: a bound that is there is a bound, also when it is 0; `limit`
 * does not count. Each event is looked at once for each condition, however long the lists are.
 */
export function compileFilter(filter: Filter): CompiledFilter {
  const ids = filter.ids && new Set(filter.ids);
  const authors = filter.authors && new Set(filter.authors);
  const kinds = filter.kinds && new Set(filter.kinds);
  const { since = 0, until = Number.MAX_SAFE_INTEGER } = filter;
  const tags = tagConditions(filter).map(([letter, values]) => ({ letter, values: new Set(values) }));
  return (indexed) => {
    const { event } = indexed;
    return (
      event.created_at >= since &&
      event.created_at <= until &&
      ids?.has(event.id) !== false &&
      authors?.has(event.pubkey) !== false &&
      kinds?.has(event.kind) !== false &&
      tags.every(({ letter, values }) => intersect(values, indexed.values(letter)))
    );
  };
}

/** Whether an event matches any of some filters. For one event against very many filters see the kernels. */
export function compileFilters(filters: readonly Filter[]): (event: FilteredEvent) => boolean {
  const compiled = filters.map(compileFilter);
  return (event) => {
    const indexed = new IndexedEvent(event);
    return compiled.some((matches) => matches(indexed));
  };
}

function intersect(a: ReadonlySet<string>, b: ReadonlySet<string> | undefined): boolean {
  if (b === undefined) return false;
  const [few, many] = a.size < b.size ? [a, b] : [b, a];
  for (const value of few) if (many.has(value)) return true;
  return false;
}

function valuesByName({ tags }: FilteredEvent): Map<string, Set<string>> {
  const byName = new Map<string, Set<string>>();
  for (const [name, value] of tags) {
    if (name === undefined || value === undefined) continue;
    const values = byName.get(name);
    if (values === undefined) byName.set(name, new Set([value]));
    else values.add(value);
  }
  return byName;
}
