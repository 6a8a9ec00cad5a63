import type { Side } from '../node/side.js';

/**
 * What each node served by now, from its first process to its last: what has gone there stays gone, for nothing that authors and
 * operator do makes anything acceptable again; and a node never goes back to an earlier end of the log.
 */
export class ServedBefore {
  readonly #nodes = new Map<number, { served: Set<string>; readonly gone: Set<string>; sequence: number }>();
  readonly #report: (what: string) => void;

  constructor(report: (what: string) => void) {
    this.#report = report;
  }

  /** Looks at what a node serves now; returns the ids. */
  look(node: number, { store, writing }: Side): ReadonlySet<string> {
    const ids = new Set(store.ids({}));
    // What is not written yet may be lost: nobody was promised it.
    const unwritten = writing === undefined ? undefined : store.unwritten();
    unwritten?.catch(() => {});
    if (unwritten !== undefined) return ids;
    const known = this.#nodes.get(node) ?? { served: new Set(), gone: new Set(), sequence: 0 };
    this.#nodes.set(node, known);
    for (const id of known.served) if (!ids.has(id)) known.gone.add(id);
    for (const id of ids)
      if (known.gone.has(id)) this.#report(`node ${node} serves ${id} again, which was gone`);
    known.served = ids;
    // One that writes gives sequences too for what nobody waits for.
    if (writing !== undefined) return ids;
    if (store.lastSequence < known.sequence) this.#report(`node ${node} serves an earlier state than before`);
    known.sequence = store.lastSequence;
    return ids;
  }
}
