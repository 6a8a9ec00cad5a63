import type { EventSource } from './admission.js';

/** Events that another relay sent. */
export type RelaySource = Extract<EventSource, { readonly relay: string }>;

/** Where events wait for the check of id and signature: clients go first, then what is live, then all that is old. */
export type Lane = 'direct' | 'live' | 'catchup';

/** What admission does in its own way with events of a source. */
export type SourceRules = {
  readonly lane: Lane;
  /** Whether they wait for their git data: only clients are about to push it. */
  readonly isHeld: boolean;
  /** Whether what keys and strangers may have stored binds them: what the operator gives is taken. */
  readonly quotas: 'kept' | 'waived';
};

const catchup: SourceRules = { lane: 'catchup', isHeld: false, quotas: 'kept' };

const rules: Readonly<Record<EventSource['type'], SourceRules>> = {
  direct: { lane: 'direct', isHeld: true, quotas: 'kept' },
  import: { ...catchup, quotas: 'waived' },
  live_sync: { ...catchup, lane: 'live' },
  catchup,
  daily_catchup: catchup,
};

export function rulesOf({ type }: Pick<EventSource, 'type'>): SourceRules {
  return rules[type];
}

/**
 * Whether nobody waits for an answer: what is refused is remembered, so that it is not downloaded again. A client and the
 * operator get a fresh answer each time.
 */
export function isFromRelay(source: EventSource): source is RelaySource {
  return 'relay' in source;
}
