import { Fifo } from './fifo.js';

/** What came first of a party goes first, and the parties take turns: one that brings much delays itself, and no other. */
export class PartyFifo<T> {
  readonly #partyOf: (item: T) => unknown;
  /** In the order of their turns, none without items. */
  readonly #parties = new Map<unknown, Fifo<T>>();
  #length = 0;

  constructor(partyOf: (item: T) => unknown) {
    this.#partyOf = partyOf;
  }

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    const party = this.#partyOf(item);
    const items = this.#parties.get(party) ?? new Fifo<T>();
    this.#parties.set(party, items);
    items.push(item);
    this.#length += 1;
  }

  shift(): T | undefined {
    for (const [party, items] of this.#parties) {
      this.#parties.delete(party);
      const item = items.shift();
      if (items.length > 0) this.#parties.set(party, items);
      this.#length -= 1;
      return item;
    }
    return undefined;
  }

  /** Takes all that is left. */
  clear(): T[] {
    const left = [...this.#parties.values()].flatMap((items) => items.clear());
    this.#parties.clear();
    this.#length = 0;
    return left;
  }
}
