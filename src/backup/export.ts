import type { WorkTurns } from '../lib/turns/turn-scheduler.js';
import type { NostrEvent } from '../nostr/event.js';
import type { Filter } from '../nostr/filter.js';
import { compileFilters } from '../nostr/filter-match.js';
import type { EventStore } from '../store/event-store.js';
import type { StoreImage } from '../store/log/store-image.js';

export type ExportParts = {
  readonly store: Pick<EventStore, 'query'>;
  /** All that is stored at the call. */
  image(): Promise<StoreImage>;
  /** Of the event loop. */
  readonly turns: WorkTurns;
};

/** What is said at the end of an export. */
export type ExportEnd = { readonly events: number; readonly damaged: number };

const newline = Buffer.from('\n');
const everything = JSON.stringify([{}]);

/**
 * The stored events that match any of the filters, as lines of JSON, as they are at the call, in the order in which they
 * were stored: what an import takes at once, for what an event refers to comes before it. Where a filter has a `limit` they
 * are the newest ones, newest first. Returns what it gave. Rejects with `StoreError` and with the signal's reason.
 */
export async function* exportLines(
  { store, image, turns }: ExportParts,
  filters: readonly Filter[],
  signal: AbortSignal,
): AsyncGenerator<Buffer, ExportEnd> {
  let events = 0;
  let damaged = 0;
  if (filters.some(({ limit }) => limit !== undefined)) {
    for await (const some of store.query(filters, turns)) {
      signal.throwIfAborted();
      events += some.length;
      yield Buffer.concat(some.flatMap(({ bytes }) => [bytes, newline]));
    }
    return { events, damaged };
  }
  const matches = JSON.stringify(filters) === everything ? undefined : compileFilters(filters);
  await using stored = await image();
  for await (const some of stored.events()) {
    if (turns.isOver) await turns.next(signal);
    signal.throwIfAborted();
    const lines: Buffer[] = [];
    for (const json of some) {
      if (json === 'damaged') damaged += 1;
      else if (matches?.(JSON.parse(json.toString('utf8')) as NostrEvent) !== false)
        lines.push(json, newline);
    }
    events += lines.length / 2;
    if (lines.length > 0) yield Buffer.concat(lines);
  }
  return { events, damaged };
}
