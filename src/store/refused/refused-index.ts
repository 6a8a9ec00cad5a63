import type { RecordSetBuilder } from '../../kernels/kernels.js';
import type { NostrEvent } from '../../nostr/event.js';
import type { Filter } from '../../nostr/filter.js';
import type { VisitBudget } from '../index/visit-budget.js';
import type { RefusedSearch } from './refused-search.js';

/**
 * The memory of events that were refused, superseded or deleted, so that catch-up does not download them again
 * (docs/sync.md §6). It holds no event, only its index row and the reason; it is bounded, kept on disk, and each entry
 * expires. What the store itself refused is forgotten when the cause goes: an older version when no newer one is stored any
 * more, a deleted event when the request was removed.
 *
 * It is asked by filters, like the store, but of tags it knows no more than what is asked for here: `a`, `A`, `d`, `e`, `E` and
 * `q`, and of an event with many the first or none. By id, kind and author each entry is found.
 */
export type RefusedIndex = {
  readonly size: number;
  /** Remembers an event; the oldest entries give way above the limit. */
  add(event: NostrEvent, reason: string): void;
  /** Why the event was refused, if it is remembered. */
  reasonFor(id: string): string | undefined;
  /** Forgets an entry, because what it missed has arrived. */
  delete(id: string): void;
  /** Forgets all entries with such a reason, in one go, a tenth of a microsecond for each entry. For the start. */
  deleteRefusedFor(isSuch: (reason: string) => boolean): void;
  /**
   * Forgets the entries that match and have such a reason, in turns of the event loop; gives their ids, some at a time.
   * What is remembered meanwhile may stay.
   */
  forgetInTurns(filter: Filter, isSuch: (reason: string) => boolean): AsyncIterable<readonly string[]>;
  /**
   * Ids of the entries that match: those that wait for a repository, a maintainer or a root. Those with one of the reasons of
   * `except` are left out. `undefined` where more rows would have to be looked at than the budget has.
   */
  matching(filter: Filter, budget: VisitBudget, except?: ReadonlySet<string>): string[] | undefined;
  /** The same in turns, for those of whom there are more. */
  search(filter: Filter, except?: ReadonlySet<string>): Pick<RefusedSearch, 'next'>;
  /** Appends (created_at, id) of the entries that match: the part of NIP-77's local set that is not stored. */
  collect(filter: Filter, target: RecordSetBuilder): void;
  /**
   * The same in turns of the event loop. What was remembered at the call and still is when the answer comes is in it; what
   * came meanwhile is not, what left meanwhile may be. Rejects with the signal's reason and as `target` throws.
   */
  collectInTurns(filter: Filter, target: RecordSetBuilder, signal?: AbortSignal): Promise<void>;
  /** Tells of every change, at once. Observers must not throw nor change the index; they stay for as long as it does. */
  observe(observer: RefusedObserver): void;
  /** Drops what has expired; returns how many. Of very much at once some is dropped in later turns. */
  removeExpired(): number;
};

/** Follows what is remembered as refused. */
export type RefusedObserver = {
  added(entry: { readonly id: string; readonly created_at: number }): void;
  /** It is no longer remembered: because it was stored, to make room, or because its time is over. */
  forgotten(entry: { readonly id: string; readonly created_at: number }): void;
};
