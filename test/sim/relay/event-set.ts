import { matchFilter, type Filter as PeerFilter } from 'nostr-tools/filter';
import type { NostrEvent } from '../../../src/nostr/event.js';

/** A filter as a client sent it; what it holds was not checked by our own code, for this is the other side. */
export type WireFilter = PeerFilter;

/**
 * The events of one remote relay. It keeps only the newest at an address (NIP-01) and answers filters by
 * nostr-tools' matching, so that ours is not tested against itself.
 */
export class EventSet {
  readonly #byId = new Map<string, NostrEvent>();
  readonly #byKey = new Map<string, Set<NostrEvent>>();

  get size(): number {
    return this.#byId.size;
  }

  all(): IterableIterator<NostrEvent> {
    return this.#byId.values();
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  /** Takes an event as it is, without looking at id or signature; returns whether it is new and kept. */
  add(event: NostrEvent): boolean {
    if (this.#byId.has(event.id)) return false;
    const address = addressKey(event);
    if (address !== undefined) {
      const [current] = this.#byKey.get(address) ?? [];
      if (current !== undefined && !isNewer(event, current)) return false;
      if (current !== undefined) this.remove(current);
    }
    this.#byId.set(event.id, event);
    for (const key of indexKeys(event)) {
      const entry = this.#byKey.get(key);
      if (entry === undefined) this.#byKey.set(key, new Set([event]));
      else entry.add(event);
    }
    return true;
  }

  remove(event: NostrEvent): void {
    this.#byId.delete(event.id);
    for (const key of indexKeys(event)) this.#byKey.get(key)?.delete(event);
  }

  /** All that match, newest first, ties by lowest id; the filter's `limit` is not looked at. */
  matching(filter: WireFilter): NostrEvent[] {
    const found: NostrEvent[] = [];
    for (const event of this.#candidates(filter)) if (matches(filter, event)) found.push(event);
    return found.sort(newestFirst);
  }

  #candidates(filter: WireFilter): Iterable<NostrEvent> {
    if (filter.ids !== undefined) {
      return new Set(filter.ids.flatMap((id) => this.#byId.get(id) ?? []));
    }
    for (const [name, values] of Object.entries(filter)) {
      if (name.startsWith('#') && Array.isArray(values)) {
        return this.#union((values as string[]).map((value) => `${name.slice(1)}:${value}`));
      }
    }
    if (filter.kinds !== undefined) return this.#union(filter.kinds.map((kind) => `kind ${kind}`));
    return this.#byId.values();
  }

  #union(keys: readonly string[]): Set<NostrEvent> {
    const union = new Set<NostrEvent>();
    for (const key of keys) for (const event of this.#byKey.get(key) ?? []) union.add(event);
    return union;
  }
}

/** Whether an event matches a filter (NIP-01), `limit` aside. */
export function matches(filter: WireFilter, event: NostrEvent): boolean {
  // nostr-tools takes a bound of 0 for none.
  if (filter.until === 0 && event.created_at > 0) return false;
  return matchFilter(filter, event);
}

export function newestFirst(a: NostrEvent, b: NostrEvent): number {
  if (a.created_at !== b.created_at) return b.created_at - a.created_at;
  return a.id < b.id ? -1 : 1;
}

function isNewer(a: NostrEvent, b: NostrEvent): boolean {
  return newestFirst(a, b) < 0;
}

/** Where a replaceable or addressable event stands; undefined for all others. */
export function addressKey(event: NostrEvent): string | undefined {
  const { kind, pubkey } = event;
  if (kind === 0 || kind === 3 || (kind >= 10_000 && kind < 20_000)) return `@${kind}:${pubkey}`;
  if (kind < 30_000 || kind >= 40_000) return undefined;
  return `@${kind}:${pubkey}:${event.tags.find(([name]) => name === 'd')?.[1] ?? ''}`;
}

function indexKeys(event: NostrEvent): Set<string> {
  const keys = new Set([`kind ${event.kind}`]);
  for (const [name, value] of event.tags) {
    if (name?.length === 1 && value !== undefined) keys.add(`${name}:${value}`);
  }
  const address = addressKey(event);
  if (address !== undefined) keys.add(address);
  return keys;
}
