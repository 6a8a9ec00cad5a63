import { supersedes } from '../nostr/address.js';
import { firstTagValue, type NostrEvent } from '../nostr/event.js';
import type { AskedKeys } from '../repositories/maintainers/maintainer-group.js';
import { listedRefs } from '../repositories/repository-state.js';

/** A held state, and the heads and tags that it lists. */
export type HeldState = { readonly event: NostrEvent; readonly refs: ReadonlyMap<string, string> };

/**
 * The held states by whose they are: each push asks several times for those of its maintainers, and strangers may have
 * thousands of the same identifier. Each is taken apart once, when it is held.
 */
export class HeldStates {
  /** By identifier and author. There is one of each, but for what a journal may have. */
  readonly #states = new Map<string, Map<string, readonly HeldState[]>>();

  add(event: NostrEvent): void {
    const identifier = identifierOf(event);
    const byAuthor = this.#states.get(identifier) ?? new Map<string, readonly HeldState[]>();
    this.#states.set(identifier, byAuthor);
    const others = byAuthor.get(event.pubkey) ?? [];
    byAuthor.set(event.pubkey, [...others, { event, refs: listedRefs(event) }]);
  }

  delete(event: NostrEvent): void {
    const { id, pubkey } = event;
    const identifier = identifierOf(event);
    const byAuthor = this.#states.get(identifier);
    const left = byAuthor?.get(pubkey)?.filter((state) => state.event.id !== id) ?? [];
    if (left.length > 0) byAuthor?.set(pubkey, left);
    else byAuthor?.delete(pubkey);
    if (byAuthor?.size === 0) this.#states.delete(identifier);
  }

  /** The ids of those of an identifier, in no order; these may come and go while they are gone through. */
  *idsOf(identifier: string): IterableIterator<string> {
    for (const states of this.#states.get(identifier)?.values() ?? [])
      for (const { event } of states) yield event.id;
  }

  /** Those of an identifier by authors that are picked of all who have one, newest first. */
  by(identifier: string, pick: (authors: AskedKeys) => Iterable<string>): HeldState[] {
    const byAuthor = this.#states.get(identifier);
    if (byAuthor === undefined) return [];
    return newestFirst([...pick(byAuthor)].flatMap((author) => byAuthor.get(author) ?? []));
  }
}

function newestFirst(states: HeldState[]): HeldState[] {
  return states.sort((a, b) => (supersedes(a.event, b.event) ? -1 : 1));
}

function identifierOf(event: NostrEvent): string {
  return firstTagValue(event, 'd') ?? '';
}
