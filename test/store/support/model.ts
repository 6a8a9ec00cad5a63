import { addressOf, formatAddress, supersedes } from '../../../src/nostr/address.js';
import { deletionTargets, isDeletion } from '../../../src/nostr/deletion.js';
import { isExpired, type NostrEvent } from '../../../src/nostr/event.js';
import type { Filter } from '../../../src/nostr/filter.js';
import { compileFilters } from '../../../src/nostr/filter-match.js';
import { isEphemeralKind } from '../../../src/nostr/kinds.js';
import type { PutStatus } from '../../../src/store/event-store.js';

/** The store as an array: what the real one must agree with. */
export class ModelStore {
  events: NostrEvent[] = [];
  /** Ids that must be in the refused index, with the reason. */
  readonly refused = new Map<string, string>();
  readonly #seen: NostrEvent[] = [];

  put(event: NostrEvent, now: number): { status: PutStatus; removed: string[] } {
    const status = this.statusOf(event, now);
    this.#seen.push(event);
    if (status !== 'stored') {
      if (status !== 'duplicate' && status !== 'ephemeral') this.refused.set(event.id, status);
      return { status, removed: [] };
    }
    const { ids, addresses } = deletionTargets(event);
    const texts = new Set(addresses.map(formatAddress));
    const removed = this.events.filter((other) => {
      if (sameAddress(other, event)) return this.refuse(other, 'superseded');
      if (!isDeletion(event) || isDeletion(other) || other.pubkey !== event.pubkey) return false;
      const address = addressOf(other);
      const byAddress =
        address !== undefined && texts.has(formatAddress(address)) && other.created_at <= event.created_at;
      return (ids.includes(other.id) || byAddress) && this.refuse(other, 'deleted');
    });
    for (const other of removed) {
      const address = addressOf(other);
      const isCovered =
        address !== undefined && texts.has(formatAddress(address)) && other.created_at <= event.created_at;
      if (this.refused.get(other.id) === 'deleted' && !isCovered) this.#reopen(other);
    }
    this.events = this.events.filter((other) => !removed.includes(other));
    this.events.push(event);
    this.refused.delete(event.id);
    return { status, removed: removed.map(({ id }) => id) };
  }

  statusOf(event: NostrEvent, now: number): PutStatus {
    if (this.events.some(({ id }) => id === event.id)) return 'duplicate';
    if (isExpired(event, now)) return 'expired';
    if (isEphemeralKind(event.kind)) return 'ephemeral';
    if (!isDeletion(event) && this.events.some((request) => deletes(request, event))) return 'deleted';
    const standing = this.events.find((other) => sameAddress(other, event));
    return standing !== undefined && supersedes(standing, event) ? 'superseded' : 'stored';
  }

  /** Older versions of what has gone are acceptable again. */
  #reopen(gone: NostrEvent): void {
    for (const event of this.#seen)
      if (sameAddress(event, gone) && this.refused.get(event.id) === 'superseded')
        this.refused.delete(event.id);
  }

  refuse(event: NostrEvent, reason: string): true {
    this.refused.set(event.id, reason);
    return true;
  }

  matching(filters: readonly Filter[], withLimit: boolean): NostrEvent[] {
    const found = new Set<NostrEvent>();
    const sorted = [...this.events].sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1));
    for (const filter of filters) {
      const all = sorted.filter(compileFilters([filter]));
      for (const event of withLimit ? all.slice(0, filter.limit) : all) found.add(event);
    }
    return sorted.filter((event) => found.has(event));
  }
}

function deletes(request: NostrEvent, event: NostrEvent): boolean {
  if (!isDeletion(request) || request.pubkey !== event.pubkey) return false;
  const { ids, addresses } = deletionTargets(request);
  const address = addressOf(event);
  return (
    ids.includes(event.id) ||
    (address !== undefined &&
      event.created_at <= request.created_at &&
      addresses.some((target) => formatAddress(target) === formatAddress(address)))
  );
}

function sameAddress(a: NostrEvent, b: NostrEvent): boolean {
  const first = addressOf(a);
  const second = addressOf(b);
  return first !== undefined && second !== undefined && formatAddress(first) === formatAddress(second);
}
