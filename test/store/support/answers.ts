import { type RecordSetBuilder, recordBytes } from '../../../src/kernels/kernels.js';
import type { Filter } from '../../../src/nostr/filter.js';
import type { EventStore } from '../../../src/store/event-store.js';
import type { RefusedIndex } from '../../../src/store/refused/refused-index.js';

export async function idsOf(store: EventStore, filters: readonly Filter[]): Promise<string[]> {
  const ids: string[] = [];
  for await (const chunk of store.query(filters)) ids.push(...chunk.map(({ id }) => id));
  return ids;
}

/** The ids that `collect` gives, sorted, each once. */
export function collected(part: Pick<EventStore | RefusedIndex, 'collect'>, filter: Filter): string[] {
  const { builder, ids } = openBuilder();
  part.collect(filter, builder);
  return ids();
}

/** Those that `collectInTurns` gives; `undefined` when they are more than `recordsMax`. */
export async function collectedInTurns(
  store: Pick<EventStore, 'collectInTurns'>,
  filter: Filter,
  recordsMax: number,
): Promise<string[] | undefined> {
  const { builder, ids } = openBuilder();
  return (await store.collectInTurns(filter, recordsMax, builder)) ? ids() : undefined;
}

/** The same of what is remembered as refused. */
export async function refusedInTurns(
  refused: Pick<RefusedIndex, 'collectInTurns'>,
  filter: Filter,
): Promise<string[]> {
  const { builder, ids } = openBuilder();
  await refused.collectInTurns(filter, builder);
  return ids();
}

function openBuilder(): { builder: RecordSetBuilder; ids(): string[] } {
  const parts: Buffer[] = [];
  const append = (count: number): Uint8Array => {
    const bytes = Buffer.alloc(count * recordBytes);
    parts.push(bytes);
    return bytes;
  };
  const ids = (): string[] => {
    const bytes = Buffer.concat(parts);
    const found = new Set<string>();
    for (let at = 0; at < bytes.length; at += recordBytes)
      found.add(bytes.toString('hex', at + 8, at + recordBytes));
    return [...found].sort();
  };
  // Of a builder, collecting uses `append` only; a sealed set for each of many questions would take long.
  return { builder: { append } as unknown as RecordSetBuilder, ids };
}
