import type { EventIndex } from './event-index.js';

/** The memory of an index: numbers by name, and buffers in a fixed order. */
export type IndexImage = {
  readonly numbers: Readonly<Record<string, number>>;
  readonly parts: readonly Uint8Array[];
};

const bytesOf = (view: ArrayBufferView): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/** The index as it lies in memory; the parts are views, valid until the index changes. */
export function imageOf(index: EventIndex): IndexImage {
  const rows = index.rows.dump();
  const authors = index.authors.dump();
  const ids = index.ids.dump();
  const terms = index.terms.dump();
  const lists = index.lists.dump();
  const { arena } = lists;
  const heaps = [index.expirations, ...index.refusals].map((heap) => heap.dump());
  const parts = [
    rows.free,
    Uint32Array.from(index.dead.all),
    ...[authors.table.counts, ids.counts, terms.counts],
    ...[lists.long, lists.longFree, arena.freeHeads],
    ...heaps.flatMap(({ times, sequences, rows }) => [times, sequences, rows]),
    ...rows.pages,
    ...authors.pages,
    ...authors.table.shards,
    ...ids.shards,
    ...terms.shards,
    ...arena.pages,
  ];
  return {
    numbers: {
      all: index.all,
      nextSequence: index.nextSequence,
      rowsEnd: rows.end,
      rowPages: rows.pages.length,
      authorCount: authors.count,
      authorPages: authors.pages.length,
      authorShards: authors.table.shards.length,
      idShards: ids.shards.length,
      termShards: terms.shards.length,
      arenaEnd: arena.end,
      arenaPages: arena.pages.length,
    },
    parts: parts.map(bytesOf),
  };
}

/** Fills an empty index with an image that was written and checked. The buffers become the index's own. */
export function restoreImage(
  index: EventIndex,
  numbers: Readonly<Record<string, number>>,
  parts: readonly ArrayBuffer[],
): void {
  let at = 0;
  const take = (count: number): ArrayBuffer[] => {
    at += count;
    return parts.slice(at - count, at);
  };
  const words = (count: number): Uint32Array[] => take(count).map((part) => new Uint32Array(part));
  const word = (): Uint32Array => new Uint32Array(take(1)[0]!);
  const floats = (): Float64Array => new Float64Array(take(1)[0]!);
  const number = (name: string): number => numbers[name]!;

  const [free, dead, authorCounts, idCounts, termCounts] = [word(), word(), word(), word(), word()];
  const [long, longFree, freeHeads] = [word(), word(), word()];
  for (const heap of [index.expirations, ...index.refusals]) heap.restore(floats(), floats(), word());
  index.rows.restore(number('rowsEnd'), free, take(number('rowPages')));
  const authorPages = words(number('authorPages'));
  const authorTable = { counts: authorCounts, shards: words(number('authorShards')) };
  index.authors.restore(number('authorCount'), authorPages, authorTable);
  index.ids.restore(idCounts, words(number('idShards')));
  index.terms.restore(termCounts, words(number('termShards')));
  index.lists.arena.restore(number('arenaEnd'), freeHeads, words(number('arenaPages')));
  index.lists.restore(long, longFree);
  index.dead.restore(dead);
  index.all = number('all');
  index.nextSequence = number('nextSequence');
  index.recount();
}
