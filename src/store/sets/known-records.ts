import type { RecordSetBuilder } from '../../kernels/kernels.js';
import type { Filter } from '../../nostr/filter.js';
import type { EventStore } from '../event-store.js';
import type { RefusedIndex } from '../refused/refused-index.js';

/** What is known: what is stored, and what is remembered as refused. */
export type KnownEvents = {
  readonly store: Pick<EventStore, 'collectInTurns'>;
  readonly refused: Pick<RefusedIndex, 'collectInTurns'>;
};

/**
 * Appends (created_at, id) of all that is known and matches, in turns of the event loop. What was known at the call and
 * still is when the answer comes is in it, also what was stored and is only remembered by then; what came meanwhile may be
 * missing. Rejects with `KernelMemoryError` and with the signal's reason.
 */
export async function collectKnown(
  { store, refused }: KnownEvents,
  filter: Filter,
  target: RecordSetBuilder,
  signal?: AbortSignal,
): Promise<void> {
  await store.collectInTurns(filter, Number.POSITIVE_INFINITY, target, signal);
  await refused.collectInTurns(filter, target, signal);
}
