import { HandleList } from './handle-list.js';

type Value = string | number;
type Entry = {
  readonly values: Map<Value, number>;
  readonly value: Value;
  readonly tag: string | null;
  uses: number;
};

/**
 * Numbers for the authors, kinds and tag values of the events of a column, from 1 on, counted as often as events
 * have them. A filter's values are looked up here; what no event has needs no number.
 */
export class EventSymbols {
  readonly authors = new Map<Value, number>();
  readonly kinds = new Map<Value, number>();
  readonly #tags = new Map<string, Map<Value, number>>();
  readonly #entries: (Entry | undefined)[] = [];
  readonly #numbers = new HandleList(1);

  /** All numbers in use lie below this. */
  get bound(): number {
    return this.#numbers.bound;
  }

  /** Numbers in use. */
  get live(): number {
    return this.#numbers.live;
  }

  /** The numbers of the values of tags of a name, if any event has such a tag. */
  tagValues(name: string): ReadonlyMap<Value, number> | undefined {
    return this.#tags.get(name);
  }

  acquire(values: Map<Value, number>, value: Value, tag: string | null = null): number {
    const known = values.get(value);
    if (known !== undefined) {
      this.#entries[known]!.uses += 1;
      return known;
    }
    const number = this.#numbers.take();
    values.set(value, number);
    this.#entries[number] = { values, value, tag, uses: 1 };
    return number;
  }

  acquireTag(name: string, value: string): number {
    let values = this.#tags.get(name);
    if (values === undefined) {
      values = new Map();
      this.#tags.set(name, values);
    }
    return this.acquire(values, value, name);
  }

  release(number: number): void {
    const entry = this.#entries[number]!;
    entry.uses -= 1;
    if (entry.uses > 0) return;
    entry.values.delete(entry.value);
    if (entry.tag !== null && entry.values.size === 0) this.#tags.delete(entry.tag);
    this.#entries[number] = undefined;
    this.#numbers.giveBack(number);
  }
}
