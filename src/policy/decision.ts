/**
 * The outcome of the write policy (docs/policy.md). A reason begins with a NIP-01 prefix (`invalid:`, `blocked:`, …)
 * and reaches the client in `OK`. Whoever reads a decision switches over `type`.
 */
export type Decision =
  | {
      readonly type: 'accept';
      readonly effects: readonly Effect[];
      /** It counts among what all strangers may have stored together. */
      readonly isOfStranger?: boolean;
    }
  | Hold
  | {
      readonly type: 'reject';
      readonly reason: string;
      /** What there has to be room for below the quotas, where it is refused for want of that only. */
      readonly lacks?: QuotaNeed;
    };

/** It is acceptable, and served only when its git data, or what it hangs on, is here. */
export type Hold = {
  readonly type: 'hold';
  /** What follows when it is held, and again when it is stored. */
  readonly effects: readonly Effect[];
  /** The ids of the held events that it hangs on; none where it waits for git data. */
  readonly parents: readonly string[];
  /** Why it is refused where it cannot be held; without a reason it is then accepted. */
  readonly refusal?: string;
};

/** What one more event would add to what its author has stored. `replaces`: it takes the place of a stored one. */
export type QuotaNeed = {
  readonly pubkey: string;
  readonly kind: number;
  /** An upper estimate. */
  readonly bytes: number;
  readonly replaces: boolean;
};

/**
 * What has to follow beside storing, once the event is on disk: a part of the git side that may no longer agree with
 * the stored events. An effect says where to look, never what to do: that is read from the events when it is run, so
 * running one twice, late, or in another order does no harm.
 */
export type Effect =
  /** The repository of that announcement: whether it is there, its heads, tags and `HEAD`. */
  | { readonly type: 'align-repository'; readonly pubkey: string; readonly identifier: string }
  /** `refs/nostr/<event id>` in one repository. */
  | {
      readonly type: 'align-pull-request';
      readonly eventId: string;
      readonly pubkey: string;
      readonly identifier: string;
    };

/** Takes effects and returns at once; the work happens later, and its failures are its own to repeat. */
export type EffectRunner = { run(effects: readonly Effect[]): void };

export const accept = (effects: readonly Effect[] = []): Decision => ({ type: 'accept', effects });
export const reject = (reason: string): Decision => ({ type: 'reject', reason });
export const hold = (
  effects: readonly Effect[],
  parents: readonly string[] = [],
  refusal?: string,
): Decision => ({
  type: 'hold',
  effects,
  parents,
  ...(refusal === undefined ? {} : { refusal }),
});

/** The decision where events are not held: for those of other relays, to which nobody is about to push. */
export function withoutHolding(decision: Decision): Exclude<Decision, Hold> {
  if (decision.type !== 'hold') return decision;
  const { effects, refusal } = decision;
  return refusal === undefined ? { type: 'accept', effects } : { type: 'reject', reason: refusal };
}
