import type { NostrEvent } from '../nostr/event.js';
import type { PutStatus } from '../store/event-store.js';

/** What a client is told of an event that is held, and what is remembered of it against its copies from other relays. */
export const heldReason = "purgatory: won't be served until git data arrives";

/** What somebody is told who pushes to a repository whose announcement was held in vain, while its author may come back. */
export const lapsedReason =
  'the announcement of this repository lapsed, for nothing was pushed in half an hour; ' +
  'publish its state (kind 30618), or the announcement itself, anew and push again';

/** An event that was acknowledged and is not served: not until its git data, or what it hangs on, is here. */
export type HeldEvent = {
  readonly event: NostrEvent;
  /** Of the clients that it came from (`lib/budgets/address-group.ts`). */
  readonly addressGroup: string | undefined;
  /** Ids of the held events that it hangs on and cannot be stored without; none when it waits for git data. */
  readonly parents: readonly string[];
  /** In milliseconds since 1970. */
  readonly heldAtMs: number;
  /** When it is forgotten, in milliseconds since 1970; while a parent is held, not before that one. */
  readonly deadlineMs: number;
};

/** How the holding of an event ends. */
export type ReleaseCause = 'promoted' | 'expired' | 'deleted' | 'replaced';

/** The same by what the store says of the event. */
export const causeOfStatus: Readonly<Record<Exclude<PutStatus, 'stored'>, ReleaseCause>> = {
  duplicate: 'promoted',
  superseded: 'replaced',
  deleted: 'deleted',
  expired: 'expired',
  ephemeral: 'deleted',
};

/** Whether it is held only because what it hangs on is. */
export function hasParents({ parents }: Pick<HeldEvent, 'parents'>): boolean {
  return parents.length > 0;
}
