import { limits } from '../config/limits.js';
import type { Clock } from '../lib/clock.js';
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

/**
 * What may be acceptable now: events at hand, the ids of those that have to be asked for again, and filters of which more
 * refused events match than were taken out at once.
 */
export type Revived = {
  readonly atHand: readonly HotEvent[];
  readonly gone: readonly string[];
  readonly rest: readonly Filter[];
};

type Reviving = { readonly atHand: HotEvent[]; readonly gone: string[]; readonly rest: Filter[] };

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
    const revived = nothing();
    if (this.#refused.size === 0) return revived;
    let left: number = limits.revivedIdsMax;
    for (const filter of this.#policy.retryCandidates(event))
      left -= this.#takeMatching(filter, left, revived);
    return revived;
  }

  /** Takes out more of what matches one of those filters. */
  reviveMore(filter: Filter): Revived {
    const revived = nothing();
    this.#takeMatching(filter, limits.revivedIdsAtOnceMax, revived);
    return revived;
  }

  /** Takes these out. */
  reviveIds(ids: readonly string[]): Revived {
    const revived = nothing();
    for (const id of ids) this.#take(id, revived);
    return revived;
  }

  /** Takes out so many of what matches, at most; how many these were. */
  #takeMatching(filter: Filter, idsMax: number, revived: Reviving): number {
    const ids = this.#refused.matching(filter, idsMax, finalReasons);
    for (const id of ids) this.#take(id, revived);
    if (ids.length === idsMax) revived.rest.push(filter);
    return ids.length;
  }

  #take(id: string, { atHand, gone }: Reviving): void {
    this.#refused.delete(id);
    const hot = this.#hot.take(id);
    if (hot === undefined) gone.push(id);
    else atHand.push(hot);
  }

  /** Forgets what was refused too long ago. */
  sweep(): void {
    this.#refused.removeExpired();
  }
}

function nothing(): Reviving {
  return { atHand: [], gone: [], rest: [] };
}
