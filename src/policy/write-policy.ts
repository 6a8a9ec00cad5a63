import type { NostrEvent } from '../nostr/event.js';
import type { Filter } from '../nostr/filter.js';
import type { RemovedEvent } from '../store/event-store.js';
import type { Decision, Effect } from './decision.js';

/**
 * Whether an event may be stored. Pure over the stored events: it reads the store's index, changes nothing and
 * never looks at the clock. One policy for direct and synced events (docs/policy.md).
 */
export type WritePolicy = {
  /**
   * A cheap look before id and signature are checked: a reason when the event would be rejected whatever else holds,
   * so that no signature is verified for nothing.
   */
  precheck(event: NostrEvent): string | undefined;
  /**
   * The decision; id and signature have been checked. Synchronous, so that nothing can change between it and the
   * store's `put`: whatever it asks of stored events is answered by the index in memory. `quotas`: whether what its author
   * may have stored binds it, as where nothing is said.
   */
  decide(event: NostrEvent, quotas?: 'kept' | 'waived'): Decision;
  /**
   * Told of every event that `put` took, at once and before the next decision: keeps what the policy derives from
   * announcements up to date. The order of this and of `onRemoved` for the same `put` does not matter.
   */
  onStored(event: NostrEvent): void;
  /** Told of every event that left the store; answers where the git side has to look. */
  onRemoved(removed: readonly RemovedEvent[]): readonly Effect[];
  /**
   * Filters over the refused events (`RefusedIndex`): those that may become acceptable now that `event` is stored.
   */
  retryCandidates(event: NostrEvent): Filter[];
};
