/** A set of row numbers: one bit for each row of the index. */
export class RowSet {
  readonly #bits: Uint32Array;

  /** For rows below `end`. */
  constructor(end: number) {
    this.#bits = new Uint32Array((end + 31) >>> 5);
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
}
