import type { Filter } from '../../nostr/filter.js';
import type { FilteredEvent } from '../../nostr/filter-match.js';
import { KernelUsageError } from '../errors.js';
import { HandleList } from '../handle-list.js';
import type { FilterMatcher } from '../kernels.js';
import type { Arena } from './arena.js';
import { BlockPool } from './block-pool.js';
import type { KernelModule } from './module.js';
import { type Condition, SymbolTable } from './symbol-table.js';

/** A filter in the arena and the conditions to be let go with it. `block` is 0 if it cannot match. */
type Compiled = {
  readonly conditions: readonly Condition[];
  readonly block: number;
  readonly bytes: number;
};

/** Symbols of one event, handles of one answer and symbols in all that there is room for at first. */
const eventWordsMin = 256;
const handlesMin = 256;
const symbolsMin = 256;
/** Words of an event beside its tags: symbol 0, id, author, kind. */
const eventWordsFixed = 4;

/** Filters compiled into the arena, and the index by which events find them: see `assembly/layout.ts`. */
export class WasmFilterMatcher implements FilterMatcher {
  readonly #module: KernelModule;
  readonly #arena: Arena;
  readonly #blocks: BlockPool;
  readonly #symbols = new SymbolTable();
  readonly #handles = new HandleList();
  readonly #compiled = new Map<number, Compiled>();
  #index: number;
  #indexCapacity = 0;
  #event: number;
  #eventCapacity = eventWordsMin;
  #found: number;
  #foundCapacity = handlesMin;
  #disposed = false;

  constructor(module: KernelModule, arena: Arena) {
    this.#module = module;
    this.#arena = arena;
    this.#blocks = new BlockPool(arena);
    this.#index = arena.allocate(symbolsMin * module.SYMBOL_BYTES.value);
    this.#event = arena.allocate(eventWordsMin * 4);
    this.#found = arena.allocate(handlesMin * 4);
    this.#reserveIndex(symbolsMin);
  }

  get size(): number {
    return this.#compiled.size;
  }

  add(filter: Filter): number {
    this.#checkOpen();
    const conditions = this.#symbols.acquire(filter);
    const handle = this.#handles.take();
    try {
      this.#reserveIndex(this.#symbols.bound);
      this.#reserveFound(this.#handles.bound);
      this.#compiled.set(handle, { conditions, ...this.#compile(handle, filter, conditions) });
    } catch (error) {
      this.#symbols.release(conditions);
      this.#handles.giveBack(handle);
      throw error;
    }
    return handle;
  }

  remove(handle: number): void {
    this.#checkOpen();
    const compiled = this.#compiled.get(handle);
    if (compiled === undefined) throw new KernelUsageError(`no filter has the handle ${handle}`);
    this.#compiled.delete(handle);
    if (compiled.block !== 0) {
      this.#module.unlinkFilter(compiled.block, this.#index);
      this.#blocks.free(compiled.block, compiled.bytes);
    }
    this.#symbols.release(compiled.conditions);
    this.#handles.giveBack(handle);
    if (this.#compiled.size === 0) this.#shrink();
  }

  match(event: FilteredEvent): number[] {
    this.#checkOpen();
    this.#reserveEvent(event.tags.length + eventWordsFixed);
    const { words } = this.#arena;
    const start = this.#event >>> 2;
    words[start] = 0;
    const end = this.#symbols.writeEvent(event, words, start + 1);
    const count = this.#module.matchEvent(
      this.#index,
      this.#event,
      end - start,
      event.created_at,
      this.#found,
    );
    const handles: number[] = [];
    const found = this.#found >>> 2;
    for (let i = found; i < found + count; i++) handles.push(words[i]!);
    return handles;
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const { block, bytes } of this.#compiled.values()) if (block !== 0) this.#blocks.free(block, bytes);
    this.#compiled.clear();
    for (const region of [this.#index, this.#event, this.#found]) this.#arena.free(region);
  }

  /** Writes the filter's block and hangs it into the index; a filter with an empty list gets none. */
  #compile(handle: number, filter: Filter, conditions: readonly Condition[]) {
    if (conditions.some(({ symbols }) => symbols.length === 0)) return { block: 0, bytes: 0 };
    const key = mostSelective(conditions);
    const keys = key === undefined ? [0] : key.symbols.map(({ number }) => number);
    const clauses = conditions
      .filter((condition) => condition !== key)
      .map(({ symbols }) => Uint32Array.from(symbols, ({ number }) => number).sort());
    const m = this.#module;
    const nodeBytes = m.NODE_BYTES.value;
    const clauseStart = m.FILTER_HEADER_BYTES.value + keys.length * nodeBytes;
    const bytes = clauses.reduce((sum, clause) => sum + 4 + clause.byteLength, clauseStart);
    const block = this.#blocks.allocate(bytes);
    const { words, floats } = this.#arena;
    words[(block + m.FILTER_HANDLE.value) >>> 2] = handle;
    words[(block + m.FILTER_CHECKED.value) >>> 2] = 0;
    words[(block + m.FILTER_NODES.value) >>> 2] = keys.length;
    words[(block + m.FILTER_CLAUSES.value) >>> 2] = clauses.length;
    floats[(block + m.FILTER_SINCE.value) / 8] = filter.since ?? Number.NEGATIVE_INFINITY;
    floats[(block + m.FILTER_UNTIL.value) / 8] = filter.until ?? Number.POSITIVE_INFINITY;
    let node = block + m.FILTER_HEADER_BYTES.value;
    for (const symbol of keys) {
      words[(node + m.NODE_SYMBOL.value) >>> 2] = symbol;
      node += nodeBytes;
    }
    let at = (block + clauseStart) >>> 2;
    for (const clause of clauses) {
      words[at] = clause.length;
      words.set(clause, at + 1);
      at += 1 + clause.length;
    }
    m.linkFilter(block, this.#index);
    return { block, bytes };
  }

  #reserveIndex(symbols: number): void {
    if (symbols <= this.#indexCapacity) return;
    const capacity = Math.max(symbols, this.#indexCapacity * 2);
    const entryBytes = this.#module.SYMBOL_BYTES.value;
    this.#index = this.#arena.resize(this.#index, capacity * entryBytes);
    this.#arena.bytes.fill(
      0,
      this.#index + this.#indexCapacity * entryBytes,
      this.#index + capacity * entryBytes,
    );
    this.#indexCapacity = capacity;
  }

  /** Without filters there is nothing to remember: what was needed once goes back to the arena. */
  #shrink(): void {
    this.#index = this.#arena.resize(this.#index, symbolsMin * this.#module.SYMBOL_BYTES.value);
    this.#indexCapacity = symbolsMin;
    this.#found = this.#arena.resize(this.#found, handlesMin * 4);
    this.#foundCapacity = handlesMin;
  }

  #reserveEvent(words: number): void {
    if (words <= this.#eventCapacity) return;
    this.#event = this.#arena.resize(this.#event, words * 4);
    this.#eventCapacity = words;
  }

  #reserveFound(handles: number): void {
    if (handles <= this.#foundCapacity) return;
    const capacity = Math.max(handles, this.#foundCapacity * 2);
    this.#found = this.#arena.resize(this.#found, capacity * 4);
    this.#foundCapacity = capacity;
  }

  #checkOpen(): void {
    if (this.#disposed) throw new KernelUsageError('the matcher was disposed');
  }
}

/**
 * The condition that the fewest events fulfil, as far as that can be told: what many filters ask for is taken to be
 * what many events have.
 */
function mostSelective(conditions: readonly Condition[]): Condition | undefined {
  let best: Condition | undefined;
  let bestCost = Number.POSITIVE_INFINITY;
  for (const condition of conditions) {
    const cost = condition.weight * condition.symbols.reduce((sum, { uses }) => sum + uses, 0);
    if (cost >= bestCost) continue;
    best = condition;
    bestCost = cost;
  }
  return best;
}
