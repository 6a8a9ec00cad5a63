/** How many living objects a heap snapshot has, by what they are: `object Map`, `closure onMessage`. */
export type HeapCounts = ReadonlyMap<string, number>;

/** A kind of objects that became more. */
export type HeapGrowth = { readonly what: string; readonly before: number; readonly after: number };

type Snapshot = {
  readonly snapshot: {
    readonly meta: {
      readonly node_fields: readonly string[];
      readonly node_types: readonly (readonly string[] | string)[];
    };
  };
  readonly nodes: readonly number[];
  readonly strings: readonly string[];
};

/** Only what a program makes: strings have their text for a name, and code and shapes are the engine's. */
const countedTypes = new Set(['object', 'closure', 'regexp', 'native', 'bigint']);

/** Counts the objects of a snapshot, which is JSON as V8 writes it. */
export function countHeap(json: string): HeapCounts {
  const { snapshot, nodes, strings } = JSON.parse(json) as Snapshot;
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const [typeAt, nameAt] = [fields.indexOf('type'), fields.indexOf('name')];
  const typeNames = types[typeAt] as readonly string[];
  const counts = new Map<string, number>();
  for (let at = 0; at < nodes.length; at += fields.length) {
    const type = typeNames[nodes[at + typeAt] as number] ?? '';
    if (!countedTypes.has(type)) continue;
    const what = `${type} ${strings[nodes[at + nameAt] as number] ?? ''}`;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return counts;
}

/** What became more by more than `allowed`, the most first. */
export function heapGrowth(before: HeapCounts, after: HeapCounts, allowed: number): HeapGrowth[] {
  return [...after]
    .map(([what, count]) => ({ what, before: before.get(what) ?? 0, after: count }))
    .filter((growth) => growth.after - growth.before > allowed)
    .sort((a, b) => b.after - b.before - (a.after - a.before));
}
