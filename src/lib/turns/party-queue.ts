/** What has the same group shares the turns of one party; what has none is a party of its own. */
export type Grouped = { readonly group?: string | undefined };

/** Items that wait for their turns: the parties have theirs one after the other, and so have the items of each. */
export class PartyQueue<T extends Grouped & object> {
  /** In the order of their turns, none without items. */
  readonly #parties = new Map<string | T, Set<T>>();
  #size = 0;

  /** The number of items. */
  get size(): number {
    return this.#size;
  }

  has(item: T): boolean {
    return this.#parties.get(partyOf(item))?.has(item) === true;
  }

  some(test: (item: T) => boolean): boolean {
    for (const items of this.#parties.values()) for (const item of items) if (test(item)) return true;
    return false;
  }

  /** Adds an item behind the others of its party, if it is not there. */
  add(item: T): void {
    const party = partyOf(item);
    const items = this.#parties.get(party);
    if (items?.has(item)) return;
    if (items === undefined) this.#parties.set(party, new Set([item]));
    else items.add(item);
    this.#size += 1;
  }

  delete(item: T): void {
    const party = partyOf(item);
    const items = this.#parties.get(party);
    if (!items?.delete(item)) return;
    this.#size -= 1;
    if (items.size === 0) this.#parties.delete(party);
  }

  /** Takes one item after the other that may go, one of each party in a round; also what is added meanwhile. */
  *taken(mayGo: (item: T) => boolean): Generator<T> {
    for (const [party, items] of this.#parties) {
      const item = firstOf(items, mayGo);
      if (item === undefined) continue;
      this.delete(item);
      // Behind the other parties, where this loop comes by it again.
      if (this.#parties.delete(party)) this.#parties.set(party, items);
      yield item;
    }
  }
}

function partyOf<T extends Grouped & object>(item: T): string | T {
  return item.group ?? item;
}

function firstOf<T>(items: Iterable<T>, test: (item: T) => boolean): T | undefined {
  for (const item of items) if (test(item)) return item;
  return undefined;
}
