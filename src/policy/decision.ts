/**
 * The outcome of the write policy (policy.md). A reason begins with a NIP-01 prefix (`invalid:`, `blocked:`, …) and
 * reaches the client in `OK`.
 */
export type Decision =
  | { readonly type: 'accept'; readonly effects: readonly Effect[] }
  | { readonly type: 'reject'; readonly reason: string };

/** What has to happen beside storing, once the event is on disk: the git side of a decision. */
export type Effect =
  | { readonly type: 'ensure-repository'; readonly pubkey: string; readonly identifier: string }
  | { readonly type: 'align-refs'; readonly pubkey: string; readonly identifier: string }
  | { readonly type: 'set-pull-request-ref'; readonly eventId: string };

export const accept = (...effects: Effect[]): Decision => ({ type: 'accept', effects });
export const reject = (reason: string): Decision => ({ type: 'reject', reason });
