import type { EventSource } from '../../admission/admission.js';
import { deferred, onAbort } from '../../lib/abort.js';
import type { Clock } from '../../lib/clock.js';
import type { NostrEvent } from '../../nostr/event.js';
import type { Filter } from '../../nostr/filter.js';
import { PeerGoneError, PeerOverloadedError, PeerRefusedError } from '../errors.js';
import type { Peer } from './peer.js';
import { readRefusal } from './refusal.js';

/** How a REQ for stored events ended. */
export type RequestEnd =
  | { readonly type: 'eose' }
  /** We ended it: `onEvent` had enough. */
  | { readonly type: 'cut' }
  | { readonly type: 'closed'; readonly reason: string }
  | { readonly type: 'silent' };

/** The end of a request of which only a NOTICE said that it came too soon. */
export const slowedDown = { type: 'closed', reason: 'rate-limited: by a NOTICE' } as const;

export type RequestParts = {
  readonly peer: Peer;
  readonly clock: Clock;
  readonly source: EventSource['type'];
  readonly filter: Filter;
  /** Takes each event that comes; `false` ends the request. */
  readonly onEvent: (event: NostrEvent) => boolean;
  readonly signal: AbortSignal;
};

/** Times that one request is sent again after "slow down", or "too many subscriptions", before it counts as refused. */
const pausesMax = 5;
/** What a remote that has too many subscriptions is given to notice that some were closed. */
const tooManyPauseMs = 1_000;

/**
 * Asks for stored events until EOSE. Waits for a free place, for the pause that "slow down" asks for, and answers
 * `auth-required:`; other ends are told. Rejects with `PeerGoneError`, `PeerRefusedError` or the signal's reason.
 */
export async function request(parts: RequestParts): Promise<RequestEnd> {
  return await parts.peer.capacity.requests.use(
    parts.signal,
    async () => await retryOnRateLimit(parts, () => requestOnce(parts)),
  );
}

/** Repeats `ask` after "slow down", when there were too many subscriptions, and once after authentication. */
export async function retryOnRateLimit<End extends { readonly type: string }>(
  { peer, clock, signal }: Pick<RequestParts, 'peer' | 'clock' | 'signal'>,
  ask: () => Promise<End | { readonly type: 'closed'; readonly reason: string }>,
): Promise<End | { readonly type: 'closed'; readonly reason: string }> {
  let pauses = 0;
  let wasAuthenticated = false;
  for (;;) {
    const end = await ask();
    if (!isClosed(end)) return end;
    const refusal = readRefusal(end.reason);
    if (refusal.type === 'auth') {
      if (wasAuthenticated) throw new PeerRefusedError(peer.relay, end.reason);
      wasAuthenticated = true;
      await peer.authentication.ensure();
    } else if (refusal.type === 'slow-down' || refusal.type === 'too-many-subscriptions') {
      pauses += 1;
      if (pauses > pausesMax) throw new PeerOverloadedError(peer.relay, 'asks for less time and again');
      if (refusal.type === 'slow-down') peer.slowDown();
      else peer.tighten('subscriptions');
      if (refusal.type !== 'slow-down') await clock.sleep(tooManyPauseMs, signal);
    } else {
      return end;
    }
  }
}

function isClosed(end: {
  readonly type: string;
}): end is { readonly type: 'closed'; readonly reason: string } {
  return end.type === 'closed';
}

async function requestOnce(parts: RequestParts): Promise<RequestEnd> {
  const { peer, clock, signal } = parts;
  await peer.ready(signal);
  const ended = deferred<RequestEnd>();
  const sentAt = clock.monotonic();
  const channel = peer.openChannel('r', {
    source: parts.source,
    onEvent: (event) => {
      if (!parts.onEvent(event)) ended.resolve({ type: 'cut' });
    },
    onMessage: (message) => {
      if (message.type === 'EOSE') ended.resolve({ type: 'eose' });
      else if (message.type === 'CLOSED') ended.resolve({ type: 'closed', reason: message.reason });
      else return false;
      return true;
    },
    onSilent: () => ended.resolve(peer.wasSlowedSince(sentAt) ? slowedDown : { type: 'silent' }),
    onGone: () => ended.reject(new PeerGoneError(peer.relay)),
  });
  using _ = onAbort(signal, ended.reject);
  let isClosed = false;
  try {
    peer.send(['REQ', channel.id, parts.filter]);
    channel.expect();
    const end = await ended.promise;
    isClosed = end.type === 'closed' && end !== slowedDown;
    if (end.type === 'silent') peer.unanswered(sentAt);
    else if (end !== slowedDown) peer.answered();
    return end;
  } finally {
    peer.closeChannel(channel, isClosed ? undefined : 'CLOSE');
  }
}
