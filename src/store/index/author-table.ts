import { type KeyColumn, KeyTable } from './key-table.js';
import { keyHex, keyWords } from './key-words.js';
import type { TermHasher } from './term-hash.js';

const pageBits = 12;
const pageKeys = 1 << pageBits;

/** Public keys as small numbers. A key that came once stays: it takes about 40 bytes. */
export class AuthorTable implements KeyColumn {
  readonly #pages: Uint32Array[] = [];
  readonly #table: KeyTable;
  #count = 0;

  constructor(hasher: TermHasher) {
    this.#table = new KeyTable(this, hasher);
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#table.bytes + this.#pages.length * pageKeys * keyWords * 4;
  }

  /** The number of a public key, or -1. */
  find(key: Uint32Array): number {
    return this.#table.find(key);
  }

  /** The number of a public key, which is given one if it has none. */
  intern(key: Uint32Array): number {
    const found = this.#table.find(key);
    if (found >= 0) return found;
    const author = this.#count++;
    if (author >>> pageBits === this.#pages.length) this.#pages.push(new Uint32Array(pageKeys * keyWords));
    this.keyPage(author).set(
      key.length === keyWords ? key : key.subarray(0, keyWords),
      this.keyOffset(author),
    );
    this.#table.insert(author);
    return author;
  }

  hex(author: number): string {
    return keyHex(this.keyPage(author), this.keyOffset(author));
  }

  keyPage(author: number): Uint32Array {
    return this.#pages[author >>> pageBits]!;
  }

  keyOffset(author: number): number {
    return (author & (pageKeys - 1)) * keyWords;
  }

  dump(): { count: number; pages: Uint32Array[]; table: ReturnType<KeyTable['dump']> } {
    return { count: this.#count, pages: this.#pages, table: this.#table.dump() };
  }

  restore(
    count: number,
    pages: readonly Uint32Array[],
    table: { counts: Uint32Array; shards: Uint32Array[] },
  ): void {
    this.#count = count;
    this.#pages.push(...pages);
    this.#table.restore(table.counts, table.shards);
  }
}
