/** A set of row numbers: one bit for each row of the index. */
export class RowSet {
  readonly end: number;
  readonly #bits: Uint32Array;

  /** For rows below `end`. */
  constructor(end: number) {
    this.end = end;
    this.#bits = new Uint32Array((end + 31) >>> 5);
  }

  /** What it takes in memory. */
  get bytes(): number {
    return this.#bits.byteLength;
  }

  has(row: number): boolean {
    return ((this.#bits[row >>> 5]! >>> (row & 31)) & 1) === 1;
  }

  /** Adds a row; false if it was there. */
  add(row: number): boolean {
    const bit = 1 << (row & 31);
    const word = this.#bits[row >>> 5]!;
    if ((word & bit) !== 0) return false;
    this.#bits[row >>> 5] = word | bit;
    return true;
  }

  /** Takes out what is not in another set of the same size. */
  retain(other: RowSet): void {
    for (let at = 0; at < this.#bits.length; at += 1) this.#bits[at]! &= other.#bits[at]!;
  }

  /** The first row of the set from `row` on, or -1. */
  from(row: number): number {
    let at = row >>> 5;
    if (at >= this.#bits.length) return -1;
    let word = this.#bits[at]! & (-1 << (row & 31));
    while (word === 0) {
      at += 1;
      if (at === this.#bits.length) return -1;
      word = this.#bits[at]!;
    }
    return at * 32 + 31 - Math.clz32(word & -word);
  }
}
