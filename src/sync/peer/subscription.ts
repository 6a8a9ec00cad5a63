import type { NostrEvent } from '../../nostr/event.js';
import type { Filter } from '../../nostr/filter.js';
import { compileFilters } from '../../nostr/filter-match.js';
import { type Rejected, type Rejection, rejected } from './rejection.js';
import type { QuestionParts } from './request.js';

/** What the remote did with a live subscription. */
export type SubscriptionChange =
  /** It stands (EOSE). */
  | { readonly type: 'confirmed' }
  /** The remote did not confirm it within the time limit: it is closed. */
  | { readonly type: 'silent' }
  /**
   * The remote closed it. `isAdapted`: whether we adapted to what it said, so that the same may be asked for again at
   * once: after the pause that it wants, or in smaller pieces.
   */
  | (Rejected & { readonly isAdapted: boolean });

/** Who wants to know what is new. Is told of nothing before `subscribe` has resolved, nor that the connection ended. */
export type SubscriptionListener = {
  /** Takes each event that matches. */
  onEvent(event: NostrEvent): void;
  onChange(change: SubscriptionChange): void;
};

/** A live subscription that was asked for. */
export type Subscription = {
  readonly id: string;
  /** Closes it, and tells the remote unless that closed it. */
  close(): void;
};

/** Sends a REQ for what is new and matches; what is stored is not asked for. `adaptTo`: see `isAdapted`. */
export function openSubscription(
  { clock, channels, behaviour, onViolation }: QuestionParts,
  filters: readonly Filter[],
  listener: SubscriptionListener,
  adaptTo: (rejection: Rejection) => boolean,
): Subscription {
  const matches = compileFilters(filters);
  const sentAt = clock.monotonic();
  let isConfirmed = false;
  const confirm = () => {
    channel.rest();
    if (isConfirmed) return false;
    isConfirmed = true;
    behaviour.answered();
    listener.onChange({ type: 'confirmed' });
    return true;
  };
  const channel = channels.open('l', {
    source: 'live_sync',
    onEvent: (event) => {
      if (matches(event)) listener.onEvent(event);
      else onViolation();
    },
    onMessage: (message) => {
      if (message.type === 'EOSE') return confirm();
      if (message.type !== 'CLOSED') return false;
      channels.close(channel);
      const end = rejected(message.reason);
      listener.onChange({ ...end, isAdapted: adaptTo(end.rejection) });
      return true;
    },
    onSilent: () => {
      behaviour.unanswered(sentAt);
      channels.close(channel);
      listener.onChange({ type: 'silent' });
    },
    onGone: () => {},
  });
  channel.ask(['REQ', channel.id, ...filters.map((filter) => ({ ...filter, limit: 0 }))]);
  return { id: channel.id, close: () => channels.close(channel) };
}
