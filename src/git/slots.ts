/** Lets at most `slotsMax` pieces of work run at once; the others wait their turn, first come, first served. */
export class Slots {
  readonly #slotsMax: number;
  #taken = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(slotsMax: number) {
    this.#slotsMax = slotsMax;
  }

  async use<T>(work: () => Promise<T>): Promise<T> {
    if (this.#taken < this.#slotsMax) this.#taken += 1;
    // Whoever ends hands its slot over, so that nobody who comes later can slip in between.
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#taken -= 1;
      else next();
    }
  }
}
