import { type KeyColumn, KeyTable } from './key-table.js';
import { keyHex, keyWords } from './key-words.js';
import type { TermHasher } from './term-hash.js';

const pageBits = 12;
const pageKeys = 1 << pageBits;

/**
 * Public keys as small numbers, about 45 bytes each. A key has its number for as long as any row holds it; then the
 * number goes to another key, lest those who sign each event with a new one fill the memory.
 */
export class AuthorTable implements KeyColumn {
  readonly #pages: Uint32Array[] = [];
  /** How many rows hold each number. */
  readonly #holds: Uint32Array[] = [];
  readonly #table: KeyTable;
  #free: number[] = [];
  #count = 0;

  constructor(hasher: TermHasher) {
    this.#table = new KeyTable(this, hasher);
  }

  /** How many keys have a number. */
  get size(): number {
    return this.#count - this.#free.length;
  }

  get bytes(): number {
    return this.#table.bytes + this.#pages.length * pageKeys * (keyWords + 1) * 4;
  }

  /** The number of a public key, or -1. */
  find(key: Uint32Array): number {
    return this.#table.find(key);
  }

  /** The number of a public key, which is given one if it has none, for one more row. */
  hold(key: Uint32Array): number {
    const found = this.#table.find(key);
    if (found >= 0) {
      this.holdAgain(found);
      return found;
    }
    const author = this.#free.pop() ?? this.#count++;
    if (author >>> pageBits === this.#pages.length) this.#addPage(new Uint32Array(pageKeys * keyWords));
    this.keyPage(author).set(
      key.length === keyWords ? key : key.subarray(0, keyWords),
      this.keyOffset(author),
    );
    this.#table.insert(author);
    this.holdAgain(author);
    return author;
  }

  /** Counts one more row for a number. */
  holdAgain(author: number): void {
    this.#holds[author >>> pageBits]![author & (pageKeys - 1)]! += 1;
  }

  /** Counts one row less for a number; with the last one the key is forgotten. */
  release(author: number): void {
    const holds = this.#holds[author >>> pageBits]!;
    const left = holds[author & (pageKeys - 1)]! - 1;
    holds[author & (pageKeys - 1)] = left;
    if (left > 0) return;
    this.#table.remove(author);
    this.#free.push(author);
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

  /** Takes a dump; `holdAgain` has to be called for each row after it, and then `findFree`. */
  restore(
    count: number,
    pages: readonly Uint32Array[],
    table: { counts: Uint32Array; shards: Uint32Array[] },
  ): void {
    this.#count = count;
    for (const page of pages) this.#addPage(page);
    this.#table.restore(table.counts, table.shards);
  }

  findFree(): void {
    this.#free = [];
    for (let author = 0; author < this.#count; author += 1) {
      if (this.#holds[author >>> pageBits]![author & (pageKeys - 1)] === 0) this.#free.push(author);
    }
  }

  #addPage(page: Uint32Array): void {
    this.#pages.push(page);
    this.#holds.push(new Uint32Array(pageKeys));
  }
}
