/** Gives out small whole numbers, the last one given back first. */
export class HandleList {
  #free: number[] = [];
  readonly #first: number;
  #next: number;

  /** `first` is the smallest number that is given out. */
  constructor(first = 0) {
    this.#first = first;
    this.#next = first;
  }

  /** All numbers given out so far lie below this. */
  get bound(): number {
    return this.#next;
  }

  /** Numbers that are given out at the moment. */
  get live(): number {
    return this.#next - this.#first - this.#free.length;
  }

  take(): number {
    return this.#free.pop() ?? this.#next++;
  }

  giveBack(handle: number): void {
    this.#free.push(handle);
    if (this.live > 0) return;
    // Whatever was given out once is remembered no longer.
    this.#free = [];
    this.#next = this.#first;
  }
}
