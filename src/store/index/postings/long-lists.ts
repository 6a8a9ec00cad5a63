/** A list of more than one block, by their offsets in its order, with the number of its rows. */
export type LongList = { blocks: number[]; count: number };

/** The lists that have more than one block, by number. One that has gone leaves its number to another. */
export class LongLists {
  readonly #lists: (LongList | undefined)[] = [];
  #free: number[] = [];

  at(number: number): LongList {
    return this.#lists[number]!;
  }

  /** Gives the number of a new list. */
  add(list: LongList): number {
    const number = this.#free.pop() ?? this.#lists.length;
    this.#lists[number] = list;
    return number;
  }

  delete(number: number): void {
    this.#lists[number] = undefined;
    this.#free.push(number);
  }

  /** Each list as: number of rows, number of blocks, their offsets; a free number as 0, 0. */
  dump(): { long: Uint32Array; longFree: Uint32Array } {
    const words: number[] = [];
    for (const list of this.#lists) {
      words.push(list?.count ?? 0, list?.blocks.length ?? 0);
      for (const offset of list?.blocks ?? []) words.push(offset);
    }
    return { long: Uint32Array.from(words), longFree: Uint32Array.from(this.#free) };
  }

  restore(long: Uint32Array, longFree: Uint32Array): void {
    for (let at = 0; at < long.length; at += 2 + long[at + 1]!) {
      const blocks = Array.from(long.subarray(at + 2, at + 2 + long[at + 1]!));
      this.#lists.push(blocks.length === 0 ? undefined : { blocks, count: long[at]! });
    }
    this.#free = Array.from(longFree);
  }
}
