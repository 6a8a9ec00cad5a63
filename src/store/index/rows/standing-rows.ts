import { KeyTable } from './key-table.js';
import { type AddressHash, addressWords, type RowTable } from './row-table.js';

/** Such a hash was made with a secret, so that nobody can have many of them collide. */
const addressHasher = { hashKey: (words: Uint32Array, offset: number): number => words[offset]! };

/**
 * The stored rows at each address (NIP-01), found at once however many other versions were refused or replaced. By the rules
 * one stands at each; there may be more where writes were lost.
 */
export class StandingRows {
  readonly #rows: RowTable;
  /** One row of each address. */
  readonly #first: KeyTable;
  /** By that row, the others of its address, where there are any. */
  readonly #others = new Map<number, Set<number>>();
  readonly #key = new Uint32Array(addressWords);

  constructor(rows: RowTable) {
    this.#rows = rows;
    this.#first = new KeyTable(rows.addresses, addressHasher, addressWords);
  }

  get bytes(): number {
    return this.#first.bytes;
  }

  /** The rows at the address that has that hash, in no order. */
  at(address: AddressHash): readonly number[] {
    const first = this.#find(address);
    if (first < 0) return [];
    return [first, ...(this.#others.get(first) ?? [])];
  }

  /** Enters a row that is stored from now on, if its kind has an address. */
  add(row: number): void {
    const address = this.#rows.address(row);
    if (isNone(address)) return;
    const first = this.#find(address);
    if (first < 0) this.#first.insert(row);
    else this.#others.set(first, (this.#others.get(first) ?? new Set()).add(row));
  }

  /** Takes out a row that is stored no longer, while it has its address. */
  remove(row: number): void {
    const address = this.#rows.address(row);
    if (isNone(address)) return;
    const first = this.#find(address);
    const others = this.#others.get(first) ?? new Set<number>();
    this.#others.delete(first);
    others.delete(row);
    if (first !== row) this.#keepOthers(first, others);
    else {
      this.#first.remove(row);
      const [next] = others;
      if (next === undefined) return;
      this.#first.insert(next);
      others.delete(next);
      this.#keepOthers(next, others);
    }
  }

  #keepOthers(first: number, others: Set<number>): void {
    if (others.size > 0) this.#others.set(first, others);
  }

  #find(address: AddressHash): number {
    this.#key.set(address);
    return this.#first.find(this.#key);
  }
}

function isNone([lo, hi]: AddressHash): boolean {
  return lo === 0 && hi === 0;
}
