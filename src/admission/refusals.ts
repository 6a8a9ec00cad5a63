import { limits } from '../config/limits.js';
import type { Clock } from '../lib/clock.js';
import { append } from '../lib/collections/lists.js';
import { eventHash, type NostrEvent } from '../nostr/event.js';
import type { Filter } from '../nostr/filter.js';
import { authorBanned, eventBanned } from '../policy/policy-context.js';
import type { WritePolicy } from '../policy/write-policy.js';
import { heldReason } from '../purgatory/held-event.js';
import type { RefusedIndex } from '../store/refused/refused-index.js';
import type { EventSource } from './admission.js';
import { type HotEvent, RecentRejects } from './recent-rejects.js';
import { isFromRelay } from './sources.js';

/** The reasons that the store tells anew of each event, from what it holds and what time it is. */
const reasonsOfStore: ReadonlySet<string> = new Set(['superseded', 'deleted', 'expired']);
/**
 * The reasons under which the store itself remembers events, which says by itself when those are acceptable again; and that
 * of what is held or was, which nobody but its author brings back; and those of bans, which the operator lifts.
 */
const finalReasons: ReadonlySet<string> = new Set([
  ...reasonsOfStore,
  'removed',
  heldReason,
  authorBanned,
  eventBanned,
]);

/** What may be acceptable now: events at hand, and the ids of those that have to be asked for again. */
export type Taken = { readonly atHand: readonly HotEvent[]; readonly gone: readonly string[] };

/** The same, with the filters for which more rows would have to be looked at than are at once. */
export type Revived = Taken & { readonly rest: readonly Filter[] };

/**
 * What was refused (docs/sync.md §6): the ids, so that they are not downloaded again, and for a while the events
 * themselves, so that those that only came too early can be tried again. Clients cannot fill this memory: theirs are
 * not kept.
 */
export class Refusals {
  readonly #refused: RefusedIndex;
  readonly #policy: Pick<WritePolicy, 'retryCandidates'>;
  readonly #hot: RecentRejects;

  constructor(
    refused: RefusedIndex,
    policy: Pick<WritePolicy, 'retryCandidates'>,
    clock: Clock,
    hotCacheDurationMs: number,
  ) {
    this.#refused = refused;
    this.#policy = policy;
    this.#hot = new RecentRejects(clock, hotCacheDurationMs, limits.hotCacheBytesMax);
  }

  /** Bytes of the events that are at hand. */
  get hotBytes(): number {
    return this.#hot.bytes;
  }

  /**
   * Why a remote's event was refused before, where that still holds whatever the store says now. A client gets a fresh
   * answer each time.
   */
  reasonFor(event: NostrEvent, source: EventSource): string | undefined {
    if (!isFromRelay(source)) return undefined;
    const reason = this.#refused.reasonFor(event.id);
    return reason === undefined || reasonsOfStore.has(reason) ? undefined : reason;
  }

  /**
   * Remembers a refusal. False, and nothing is remembered, when the id is not the hash of the event: an event whose
   * signature was not checked yet may be forged, and must not condemn the id of a good one.
   */
  remember(event: NostrEvent, source: EventSource, reason: string): boolean {
    if (!isFromRelay(source)) return true;
    if (reasonsOfStore.has(reason) && this.#refused.reasonFor(event.id) === reason) return true;
    if (eventHash(event) !== event.id) return false;
    this.#refused.add(event, reason);
    if (!finalReasons.has(reason)) this.#hot.add(event, source);
    return true;
  }

  /** Remembers an event of a client that is held, or was: its copies are not downloaded from other relays. */
  rememberHeld(event: NostrEvent, reason: string): void {
    this.#refused.add(event, reason);
  }

  forget(id: string): void {
    this.#refused.delete(id);
  }

  /** Takes out what was refused for want of this event. */
  revive(event: NostrEvent): Revived {
    const ids: string[] = [];
    const rest: Filter[] = [];
    const budget = { visits: limits.revivedRowsMax };
    for (const filter of this.#refused.size === 0 ? [] : this.#policy.retryCandidates(event)) {
      const found = this.#refused.matching(filter, budget, finalReasons);
      if (found === undefined) rest.push(filter);
      else append(ids, found);
    }
    return { ...this.takeOut(ids), rest };
  }

  /** Looks for what matches one of those filters, in turns; what it finds is still to be taken out. */
  search(filter: Filter): ReturnType<RefusedIndex['search']> {
    return this.#refused.search(filter, finalReasons);
  }

  /** Takes these out, as far as they are refused still. */
  takeOut(ids: readonly string[]): Taken {
    const taken = { atHand: [] as HotEvent[], gone: [] as string[] };
    for (const id of new Set(ids)) {
      this.#refused.delete(id);
      const hot = this.#hot.take(id);
      if (hot === undefined) taken.gone.push(id);
      else taken.atHand.push(hot);
    }
    return taken;
  }

  /** Forgets what was refused too long ago. */
  sweep(): void {
    this.#refused.removeExpired();
  }
}
