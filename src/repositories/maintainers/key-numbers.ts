/** Public keys as small numbers, each for as long as somebody uses it. */
export class KeyNumbers {
  readonly #numbers = new Map<string, number>();
  /** By number. */
  readonly #keys: string[] = [];
  readonly #uses: number[] = [];
  readonly #free: number[] = [];

  /** Above all numbers that were given. */
  get end(): number {
    return this.#keys.length;
  }

  of(key: string): number | undefined {
    return this.#numbers.get(key);
  }

  keyOf(number: number): string {
    return this.#keys[number] as string;
  }

  /** The number of a key, which is used once more. */
  take(key: string): number {
    const known = this.#numbers.get(key);
    if (known !== undefined) {
      this.#uses[known] = (this.#uses[known] as number) + 1;
      return known;
    }
    const number = this.#free.pop() ?? this.#keys.length;
    this.#numbers.set(key, number);
    this.#keys[number] = key;
    this.#uses[number] = 1;
    return number;
  }

  /** Takes back one use; a number that nobody uses may be given to another key. */
  release(number: number): void {
    const uses = (this.#uses[number] as number) - 1;
    this.#uses[number] = uses;
    if (uses > 0) return;
    this.#numbers.delete(this.keyOf(number));
    this.#keys[number] = '';
    this.#free.push(number);
  }
}
