/** Whole numbers by small index, 0 where none was set. Grows by half as large indices come. */
export class NumberColumn {
  #values = new Int32Array(64);

  at(index: number): number {
    return this.#values[index] ?? 0;
  }

  set(index: number, value: number): void {
    if (index >= this.#values.length) {
      const grown = new Int32Array(Math.max(index + 1, Math.ceil(this.#values.length * 1.5)));
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[index] = value;
  }
}
