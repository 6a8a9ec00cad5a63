/** Sets under keys, without empty ones. */
export class SetsByKey {
  readonly #sets = new Map<string, Set<string>>();

  get(key: string): Iterable<string> {
    return this.#sets.get(key) ?? [];
  }

  add(key: string, value: string): void {
    const set = this.#sets.get(key);
    if (set === undefined) this.#sets.set(key, new Set([value]));
    else set.add(value);
  }

  delete(key: string, value: string): void {
    const set = this.#sets.get(key);
    if (set?.delete(value) === true && set.size === 0) this.#sets.delete(key);
  }

  take(key: string): Iterable<string> {
    const set = this.#sets.get(key) ?? [];
    this.#sets.delete(key);
    return set;
  }
}
