import type { EventSource } from '../../admission/admission.js';
import { deferred, onAbort } from '../../lib/abort.js';
import type { Clock } from '../../lib/clock.js';
import type { NostrEvent } from '../../nostr/event.js';
import type { Filter } from '../../nostr/filter.js';
import type { Channels } from './channels.js';
import type { PeerBehaviour } from './peer-behaviour.js';
import { type Rejected, rejected, slowedDown } from './rejection.js';

/** What a question needs of the connection on which it is asked. */
export type QuestionParts = {
  readonly clock: Clock;
  readonly channels: Channels;
  readonly behaviour: PeerBehaviour;
  /** Something came that was not asked for. */
  readonly onViolation: () => void;
};

/** How a question to a remote ended. */
export type PeerOutcome =
  /** All of the answer came. */
  | { readonly type: 'ended' }
  /** For good: where waiting or authentication can help, it was asked again. */
  | Rejected
  /** It wants us to ask less, time and again. */
  | { readonly type: 'overloaded' }
  /** Nothing came within the time limit. */
  | { readonly type: 'silent' }
  /** The connection ended, also because the remote does not let us in (NIP-42). */
  | { readonly type: 'gone' };

/** `cut`: we ended it, for `onEvent` had enough. */
export type RequestOutcome = PeerOutcome | { readonly type: 'cut' };

/** Who asks for stored events. */
export type RequestListener = {
  readonly source: EventSource['type'];
  /** Takes each event that comes under the request; `false` ends it. */
  onEvent(event: NostrEvent): boolean;
};

/** One REQ for stored events, until EOSE. Rejects with the signal's reason. */
export async function runRequest(
  { clock, channels, behaviour }: QuestionParts,
  filters: readonly Filter[],
  listener: RequestListener,
  signal: AbortSignal,
): Promise<RequestOutcome> {
  const ended = deferred<RequestOutcome>();
  const sentAt = clock.monotonic();
  const channel = channels.open('r', {
    source: listener.source,
    onEvent: (event) => {
      if (!listener.onEvent(event)) ended.resolve({ type: 'cut' });
    },
    onMessage: (message) => {
      if (message.type === 'EOSE') ended.resolve({ type: 'ended' });
      else if (message.type === 'CLOSED') ended.resolve(rejected(message.reason));
      else return false;
      return true;
    },
    onSilent: () => ended.resolve(behaviour.wasSlowedSince(sentAt) ? slowedDown : { type: 'silent' }),
    onGone: () => ended.resolve({ type: 'gone' }),
  });
  using _ = onAbort(signal, ended.reject);
  try {
    channel.ask(['REQ', channel.id, ...filters]);
    const outcome = await ended.promise;
    if (outcome.type === 'silent') behaviour.unanswered(sentAt);
    else if (outcome.type !== 'gone' && outcome !== slowedDown) behaviour.answered();
    return outcome;
  } finally {
    channels.close(channel);
  }
}
