import type { NostrEvent } from '../nostr/event.js';
import type { Decision } from './decision.js';

/**
 * Whether an event may be stored. Pure over the stored events: it reads the store's index, changes nothing and
 * never looks at the clock. One policy for direct and synced events (policy.md).
 */
export type WritePolicy = {
  /**
   * A cheap look before id and signature are checked: a reason when the event would be rejected whatever else holds,
   * so that no signature is verified for nothing.
   */
  precheck(event: NostrEvent): string | undefined;
  /** The decision; may read stored events. Ids and signature have been checked. */
  decide(event: NostrEvent): Promise<Decision> | Decision;
};
