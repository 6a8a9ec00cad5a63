import { reaches } from '../../config/limit-use.js';
import { limits } from '../../config/limits.js';
import { type Filter, tagConditions } from '../../nostr/filter.js';
import type { FilteredEvent } from '../../nostr/filter-match.js';
import { KernelSymbolsError } from '../errors.js';
import { HandleList } from '../handle-list.js';

type Value = string | number;

/** A value that filters ask for: its number, and how many filters ask for it. */
export type FilterSymbol = { readonly value: Value; readonly number: number; uses: number };

type Symbols = Map<Value, FilterSymbol>;

/** One condition of a filter: any of these symbols. `tag` is the name of the tag that it is about. */
export type Condition = {
  readonly symbols: readonly FilterSymbol[];
  readonly weight: number;
  readonly known: Symbols;
  readonly tag?: string;
};

/** A list of a filter, on its way to be a condition: with the symbols of the values so far. */
type ValueList = Condition & { readonly values: readonly Value[]; readonly symbols: FilterSymbol[] };

/**
 * How many events one value of a condition stands for, against the others: an id is of one event, a tag value of
 * few, an author of more, and a kind of a large part of all.
 */
const weights = { id: 1, tag: 2, author: 4, kind: 65_536 };

/**
 * Numbers for everything that the filters ask for. Strings are compared only here, by looking them up, so that
 * matching deals in numbers and is exact. Number 0 stands for what every event has.
 */
export class SymbolTable {
  readonly #ids: Symbols = new Map();
  readonly #authors: Symbols = new Map();
  readonly #kinds: Symbols = new Map();
  /** By the name of the tag; a name that no filter asks for any more is gone. */
  readonly #tags = new Map<string, Symbols>();
  readonly #numbers = new HandleList(1);

  /** All numbers in use lie below this. */
  get bound(): number {
    return this.#numbers.bound;
  }

  /**
   * The conditions of a filter, their symbols counted as used once more. Throws `KernelSymbolsError` when there are too
   * many already and the filter asks for others; then nothing has changed.
   */
  acquire(filter: Filter): Condition[] {
    const conditions: Condition[] = [];
    try {
      for (const list of this.#listsOf(filter)) {
        conditions.push(list);
        this.#use(list);
      }
    } catch (error) {
      this.release(conditions);
      throw error;
    }
    return conditions;
  }

  /** Undoes `acquire`, once. */
  release(conditions: readonly Condition[]): void {
    for (const { symbols, known, tag } of conditions) {
      for (const symbol of symbols) {
        symbol.uses -= 1;
        if (symbol.uses > 0) continue;
        known.delete(symbol.value);
        this.#numbers.giveBack(symbol.number);
        if (tag !== undefined && known.size === 0) this.#tags.delete(tag);
      }
    }
  }

  /**
   * Writes the numbers of those of the event's values that some filter asks for to `words` from `at` on, some
   * perhaps twice, and gives the index behind the last. At most 3 + as many as the event has tags.
   */
  writeEvent(event: FilteredEvent, words: Uint32Array, at: number): number {
    let to = at;
    const id = this.#ids.get(event.id);
    if (id !== undefined) words[to++] = id.number;
    const author = this.#authors.get(event.pubkey);
    if (author !== undefined) words[to++] = author.number;
    const kind = this.#kinds.get(event.kind);
    if (kind !== undefined) words[to++] = kind.number;
    if (this.#tags.size === 0) return to;
    for (const [name, value] of event.tags) {
      if (name === undefined || value === undefined) continue;
      const symbol = this.#tags.get(name)?.get(value);
      if (symbol !== undefined) words[to++] = symbol.number;
    }
    return to;
  }

  *#listsOf(filter: Filter): Iterable<ValueList> {
    const { ids, authors, kinds } = filter;
    if (ids) yield { values: ids, symbols: [], known: this.#ids, weight: weights.id };
    if (authors) yield { values: authors, symbols: [], known: this.#authors, weight: weights.author };
    if (kinds) yield { values: kinds, symbols: [], known: this.#kinds, weight: weights.kind };
    for (const [tag, values] of tagConditions(filter)) {
      const known = this.#tags.get(tag) ?? new Map<Value, FilterSymbol>();
      if (values.length > 0) this.#tags.set(tag, known);
      yield { values, symbols: [], known, weight: weights.tag, tag };
    }
  }

  #use({ values, known, symbols }: ValueList): void {
    for (const value of new Set(values)) {
      let symbol = known.get(value);
      if (symbol === undefined) {
        if (reaches('kernelSymbolsMax', this.#numbers.live)) {
          throw new KernelSymbolsError(limits.kernelSymbolsMax);
        }
        symbol = { value, number: this.#numbers.take(), uses: 0 };
        known.set(value, symbol);
      }
      symbol.uses += 1;
      symbols.push(symbol);
    }
  }
}
