import { limits } from '../config/limits.js';
import type { Arena } from './arena.js';
import { KernelSymbolsError, KernelUsageError } from './errors.js';
import { EventSymbols } from './event-symbols.js';
import { isTagKey } from './filter-rules.js';
import { HandleList } from './handle-list.js';
import type { EventColumn, KernelEvent, KernelFilter } from './kernels.js';
import type { KernelModule } from './wasm-module.js';

/** Rows, tags and symbols that there is room for at first, and how the room grows. */
const rowsMin = 64;
const tagWordsMin = 256;
const symbolsMin = 256;
const growthFactor = 1.5;
/** Conditions about tags that one filter may have: a bit each, in 64. */
const tagConditionsMax = 64;
/** Marks of authors and kinds; those of tags are the number of their condition. */
const plainMark = 1;

/** Rows of events in the arena: see `assembly/layout.ts`. */
export class WasmEventColumn implements EventColumn {
  readonly #module: KernelModule;
  readonly #arena: Arena;
  readonly #symbols = new EventSymbols();
  readonly #handles = new HandleList();
  readonly #rowsById = new Map<string, number>();
  readonly #idsByRow = new Map<number, string>();
  readonly #query: number;
  #rows: number;
  #rowCapacity = rowsMin;
  #found: number;
  #tags: number;
  #tagWords = 0;
  #tagWordsLive = 0;
  #tagCapacity = tagWordsMin;
  #marks: number;
  #markCapacity = 0;
  #disposed = false;

  constructor(module: KernelModule, arena: Arena) {
    this.#module = module;
    this.#arena = arena;
    this.#query = arena.allocate(module.QUERY_BYTES.value);
    this.#rows = arena.allocate(rowsMin * module.ROW_BYTES.value);
    this.#found = arena.allocate(rowsMin * 4);
    this.#tags = arena.allocate(tagWordsMin * 4);
    this.#marks = arena.allocate(symbolsMin);
    this.#reserveMarks(symbolsMin);
  }

  get size(): number {
    return this.#rowsById.size;
  }

  add(event: KernelEvent): number {
    this.#checkOpen();
    if (this.#rowsById.has(event.id)) {
      throw new KernelUsageError(`event ${event.id} is in the column already`);
    }
    if (Math.max(this.#symbols.live, this.size) >= limits.kernelSymbolsMax) {
      throw new KernelSymbolsError(limits.kernelSymbolsMax);
    }
    const pairs = event.tags.filter((tag): tag is readonly [string, string] => tag.length > 1);
    this.#reserveRow();
    this.#reserveTags(pairs.length);
    this.#reserveMarks(this.#symbols.bound + pairs.length + 2);
    const row = this.#handles.take();
    this.#write(row, event, pairs);
    this.#rowsById.set(event.id, row);
    this.#idsByRow.set(row, event.id);
    return row;
  }

  remove(row: number): void {
    this.#checkOpen();
    const id = this.#idsByRow.get(row);
    if (id === undefined) throw new KernelUsageError(`no event has the row ${row}`);
    this.#idsByRow.delete(row);
    this.#rowsById.delete(id);
    const { module, words, at } = this.#row(row);
    this.#symbols.release(words[at + module.ROW_AUTHOR.value / 4]!);
    this.#symbols.release(words[at + module.ROW_KIND.value / 4]!);
    const tags = words[at + module.ROW_TAGS.value / 4]! / 4;
    const count = words[at + module.ROW_TAG_COUNT.value / 4]!;
    for (const symbol of words.subarray(tags, tags + count)) this.#symbols.release(symbol);
    words[at + module.ROW_AUTHOR.value / 4] = 0;
    this.#tagWordsLive -= count;
    this.#handles.giveBack(row);
  }

  select(filter: KernelFilter): number[] {
    this.#checkOpen();
    const marked: number[] = [];
    try {
      return this.#mark(filter, marked) ? this.#find(filter) : [];
    } finally {
      const { bytes } = this.#arena;
      for (const symbol of marked) bytes[this.#marks + symbol] = 0;
    }
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#rowsById.clear();
    this.#idsByRow.clear();
    for (const region of [this.#query, this.#rows, this.#found, this.#tags, this.#marks]) {
      this.#arena.free(region);
    }
  }

  #row(row: number) {
    const start = this.#rows + row * this.#module.ROW_BYTES.value;
    return { module: this.#module, words: this.#arena.words, at: start / 4, start };
  }

  #write(row: number, event: KernelEvent, pairs: readonly (readonly [string, string])[]): void {
    const { module, words, at, start } = this.#row(row);
    const symbols = this.#symbols;
    const tags = this.#tags / 4 + this.#tagWords;
    pairs.forEach(([name, value], index) => {
      words[tags + index] = symbols.acquireTag(name, value);
    });
    this.#arena.floats[(start + module.ROW_CREATED_AT.value) / 8] = event.created_at;
    words[at + module.ROW_AUTHOR.value / 4] = symbols.acquire(symbols.authors, event.pubkey);
    words[at + module.ROW_KIND.value / 4] = symbols.acquire(symbols.kinds, event.kind);
    words[at + module.ROW_TAGS.value / 4] = tags * 4;
    words[at + module.ROW_TAG_COUNT.value / 4] = pairs.length;
    this.#tagWords += pairs.length;
    this.#tagWordsLive += pairs.length;
  }

  /** Marks what the filter asks for and writes the query; false when no event has a value of some condition. */
  #mark(filter: KernelFilter, marked: number[]): boolean {
    const module = this.#module;
    const mark = (
      known: ReadonlyMap<string | number, number> | undefined,
      values: readonly (string | number)[],
      by: number,
    ) => {
      const before = marked.length;
      for (const value of values) {
        const symbol = Number.isNaN(value) ? undefined : known?.get(value);
        if (symbol === undefined) continue;
        this.#arena.bytes[this.#marks + symbol] = by;
        marked.push(symbol);
      }
      return marked.length > before;
    };
    if (filter.authors && !mark(this.#symbols.authors, filter.authors, plainMark)) return false;
    if (filter.kinds && !mark(this.#symbols.kinds, filter.kinds, plainMark)) return false;
    let conditions = 0;
    for (const key of Object.keys(filter)) {
      const values = isTagKey(key) ? filter[key] : undefined;
      if (values === undefined) continue;
      if (++conditions > tagConditionsMax) {
        throw new KernelUsageError(`a filter has at most ${tagConditionsMax} conditions about tags`);
      }
      if (!mark(this.#symbols.tagValues(key.slice(1)), values, conditions)) return false;
    }
    const { floats, words, view } = this.#arena;
    floats[(this.#query + module.QUERY_SINCE.value) / 8] = filter.since || Number.NEGATIVE_INFINITY;
    floats[(this.#query + module.QUERY_UNTIL.value) / 8] = filter.until || Number.POSITIVE_INFINITY;
    view.setBigUint64(this.#query + module.QUERY_TAG_BITS.value, 2n ** BigInt(conditions) - 1n, true);
    words[(this.#query + module.QUERY_AUTHORS.value) / 4] = filter.authors ? 1 : 0;
    words[(this.#query + module.QUERY_KINDS.value) / 4] = filter.kinds ? 1 : 0;
    return true;
  }

  #find(filter: KernelFilter): number[] {
    const found = this.#found / 4;
    const { words } = this.#arena;
    let count: number;
    if (filter.ids) {
      let candidates = 0;
      for (const id of new Set(filter.ids)) {
        const row = this.#rowsById.get(id);
        if (row !== undefined) words[found + candidates++] = row;
      }
      count = this.#module.selectAmong(this.#rows, this.#found, candidates, this.#marks, this.#query);
    } else {
      const { bound } = this.#handles;
      count = this.#module.selectRows(this.#rows, bound, this.#marks, this.#query, this.#found);
    }
    return Array.from(words.subarray(found, found + count));
  }

  #reserveRow(): void {
    if (this.#handles.live < this.#rowCapacity) return;
    const capacity = Math.ceil(this.#rowCapacity * growthFactor);
    this.#found = this.#arena.resize(this.#found, capacity * 4);
    this.#rows = this.#arena.resize(this.#rows, capacity * this.#module.ROW_BYTES.value);
    this.#rowCapacity = capacity;
  }

  /** Makes room for more tags; they move together when half of them belong to rows that are gone. */
  #reserveTags(more: number): void {
    if (this.#tagWords + more <= this.#tagCapacity) return;
    const wanted = this.#tagWordsLive + more;
    const isSparse = this.#tagWordsLive * 2 <= this.#tagWords;
    const capacity = isSparse
      ? Math.max(this.#tagCapacity, wanted)
      : Math.ceil(Math.max(this.#tagCapacity, wanted) * growthFactor);
    const tags = this.#arena.allocate(capacity * 4);
    this.#tagWords = this.#module.moveTags(this.#rows, this.#handles.bound, tags) / 4;
    this.#arena.free(this.#tags);
    this.#tags = tags;
    this.#tagCapacity = capacity;
  }

  #reserveMarks(symbols: number): void {
    if (symbols <= this.#markCapacity) return;
    const capacity = Math.max(symbols, this.#markCapacity * 2);
    this.#marks = this.#arena.resize(this.#marks, capacity);
    this.#arena.bytes.fill(0, this.#marks + this.#markCapacity, this.#marks + capacity);
    this.#markCapacity = capacity;
  }

  #checkOpen(): void {
    if (this.#disposed) throw new KernelUsageError('the column was disposed');
  }
}
