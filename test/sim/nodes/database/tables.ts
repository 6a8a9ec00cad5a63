/** Who has the right to write, until when in the time of the database. */
export type LeaseRow = {
  readonly holder: string;
  readonly fence: number;
  readonly turn: number;
  readonly endsAtMs: number;
  readonly url: string | null;
  readonly secret: string | null;
};

/** What stands in the database, as one transaction leaves it for the next. */
export class Tables {
  readonly meta: Map<string, string>;
  readonly log: Map<number, Buffer>;
  readonly bodies: Map<number, Buffer>;
  readonly journal: Map<string, Buffer>;
  readonly leases: Map<string, LeaseRow>;

  constructor(of?: Tables) {
    this.meta = new Map(of?.meta);
    this.log = new Map(of?.log);
    this.bodies = new Map(of?.bodies);
    this.journal = new Map(of?.journal);
    this.leases = new Map(of?.leases);
  }

  /** Whether the same stands in the other; rows are replaced and not changed, so that the same one is the same bytes. */
  isSame(other: Tables): boolean {
    const has = <K, V>(
      one: ReadonlyMap<K, V>,
      two: ReadonlyMap<K, V>,
      same: (a: V, b: V | undefined) => boolean,
    ) => one.size === two.size && [...one].every(([key, value]) => same(value, two.get(key)));
    const sameBytes = (a: Buffer, b: Buffer | undefined) => b !== undefined && a.equals(b);
    return (
      has(this.meta, other.meta, Object.is) &&
      has(this.log, other.log, sameBytes) &&
      has(this.bodies, other.bodies, sameBytes) &&
      has(this.journal, other.journal, sameBytes)
    );
  }
}

/** The keys of a table in their order. */
export function sortedKeys<V>(table: ReadonlyMap<number, V>): number[] {
  return [...table.keys()].sort((a, b) => a - b);
}
