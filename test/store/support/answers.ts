import { type RecordSetBuilder, recordBytes } from '../../../src/kernels/kernels.js';
import type { Filter } from '../../../src/nostr/filter.js';
import type { EventStore } from '../../../src/store/event-store.js';
import type { RefusedIndex } from '../../../src/store/refused-index.js';

export async function idsOf(store: EventStore, filters: readonly Filter[]): Promise<string[]> {
  const ids: string[] = [];
  for await (const chunk of store.query(filters)) ids.push(...chunk.map(({ id }) => id));
  return ids;
}

/** The ids that `collect` gives, sorted, each once. */
export function collected(part: Pick<EventStore | RefusedIndex, 'collect'>, filter: Filter): string[] {
  const parts: Buffer[] = [];
  const append = (count: number): Uint8Array => {
    const bytes = Buffer.alloc(count * recordBytes);
    parts.push(bytes);
    return bytes;
  };
  // Of a builder, collecting uses `append` only; a sealed set for each of many questions would take long.
  part.collect(filter, { append } as unknown as RecordSetBuilder);
  const bytes = Buffer.concat(parts);
  const ids = new Set<string>();
  for (let at = 0; at < bytes.length; at += recordBytes)
    ids.add(bytes.toString('hex', at + 8, at + recordBytes));
  return [...ids].sort();
}
