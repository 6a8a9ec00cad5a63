import { randomBytes } from 'node:crypto';
import { AuthorTable } from './index/rows/author-table.js';
import { keyWords, readKey } from './index/rows/key-words.js';
import { TermHasher } from './index/rows/term-hash.js';

/** Small numbers in the place of names. A name has its number until it was released as often as it was held. */
export type Numbers = {
  /** The number of a name, or -1. */
  find(name: string): number;
  hold(name: string): number;
  release(number: number): void;
  nameOf(number: number): string;
};

/** Numbers of event ids: 45 bytes each, where a string in a map takes 130. Others choose ids, so the hash has a key. */
export class IdNumbers implements Numbers {
  readonly #table = new AuthorTable(new TermHasher(randomBytes(8)));
  readonly #key = new Uint32Array(keyWords);

  find(id: string): number {
    return readKey(id, this.#key) ? this.#table.find(this.#key) : -1;
  }

  /** Throws `TypeError` when it is no id. */
  hold(id: string): number {
    if (!readKey(id, this.#key)) throw new TypeError('an id is 64 lower-case hex digits');
    return this.#table.hold(this.#key);
  }

  release(number: number): void {
    this.#table.release(number);
  }

  nameOf(number: number): string {
    return this.#table.hex(number);
  }

  /**
   * The names that these numbers have now, in their order, each made when it is come by: meanwhile the numbers are held. To
   * be read once, and to the end.
   */
  namesOf(numbers: Iterable<number>): IterableIterator<string> {
    const held = [...numbers];
    for (const number of held) this.#table.holdAgain(number);
    return this.#releasing(held);
  }

  *#releasing(held: readonly number[]): IterableIterator<string> {
    for (const number of held) {
      const name = this.nameOf(number);
      this.release(number);
      yield name;
    }
  }
}

/** Numbers of addresses, of which there are few. */
export class AddressNumbers implements Numbers {
  readonly #numbers = new Map<string, number>();
  readonly #names: string[] = [];
  readonly #holds: number[] = [];
  readonly #free: number[] = [];

  find(address: string): number {
    return this.#numbers.get(address) ?? -1;
  }

  hold(address: string): number {
    const found = this.#numbers.get(address);
    const number = found ?? this.#free.pop() ?? this.#names.length;
    if (found === undefined) {
      this.#numbers.set(address, number);
      this.#names[number] = address;
      this.#holds[number] = 0;
    }
    this.#holds[number]! += 1;
    return number;
  }

  release(number: number): void {
    this.#holds[number]! -= 1;
    if (this.#holds[number]! > 0) return;
    this.#numbers.delete(this.nameOf(number));
    this.#names[number] = '';
    this.#free.push(number);
  }

  nameOf(number: number): string {
    return this.#names[number]!;
  }
}
