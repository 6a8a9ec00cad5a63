/**
 * A bounded number of values by key, each brought by a party. When there are too many, the oldest of the party that has
 * the most gives way: so nobody displaces what another brought who has fewer.
 */
export class PartyShares<Value> {
  readonly #valuesMax: number;
  /** The oldest first. */
  readonly #values = new Map<string, { readonly value: Value; readonly party: string }>();
  /** By party, its keys, the oldest first. */
  readonly #keys = new Map<string, Set<string>>();

  constructor(valuesMax: number) {
    this.#valuesMax = valuesMax;
  }

  /** How many there are. */
  get size(): number {
    return this.#values.size;
  }

  /** Adds a value, as the newest; gives the key of the one that gives way to it, where there are too many. */
  add(key: string, value: Value, party: string): string | undefined {
    this.delete(key);
    this.#values.set(key, { value, party });
    const keys = this.#keys.get(party);
    if (keys === undefined) this.#keys.set(party, new Set([key]));
    else keys.add(key);
    if (this.#values.size <= this.#valuesMax) return undefined;
    const [oldest] = this.#largest();
    if (oldest !== undefined) this.delete(oldest);
    return oldest;
  }

  delete(key: string): void {
    const party = this.#values.get(key)?.party;
    if (party === undefined) return;
    this.#values.delete(key);
    const keys = this.#keys.get(party);
    keys?.delete(key);
    if (keys?.size === 0) this.#keys.delete(party);
  }

  /** The keys whose values are such, the oldest first. */
  keysOf(isSuch: (value: Value) => boolean): string[] {
    return [...this.#values].flatMap(([key, { value }]) => (isSuch(value) ? [key] : []));
  }

  /** The keys of the party that has the most. */
  #largest(): ReadonlySet<string> {
    let largest: ReadonlySet<string> = new Set();
    for (const keys of this.#keys.values()) if (keys.size > largest.size) largest = keys;
    return largest;
  }
}
