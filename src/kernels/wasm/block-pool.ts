import type { Arena } from './arena.js';

/** Smallest and largest block that the pool cuts; larger ones are regions of their own. */
const blockBytesMin = 64;
const blockBytesMax = 2048;
/** Bytes that are taken from the arena at once, to be cut into blocks of one size. */
const slabBytes = 32_768;

/** The blocks of one size: those that were given back, and those of the newest slab that nobody has had yet. */
type SizeClass = { readonly free: number[]; uncut: number; slabEnd: number };

/**
 * Many small blocks out of few regions of an arena. Sizes are powers of two; a freed block is the next to be taken.
 * The memory goes back to the arena when the last block is freed.
 */
export class BlockPool {
  readonly #arena: Arena;
  readonly #slabs: number[] = [];
  /** By the exponent of their size. */
  readonly #sizes: SizeClass[] = [];
  #live = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** The address of a block of at least `bytes`, not cleared. Throws `KernelMemoryError`. */
  allocate(bytes: number): number {
    if (bytes > blockBytesMax) return this.#arena.allocate(bytes);
    const exponent = exponentFor(bytes);
    this.#sizes[exponent] ??= { free: [], uncut: 0, slabEnd: 0 };
    const size = this.#sizes[exponent];
    const block = size.free.pop() ?? this.#cut(size, 2 ** exponent);
    this.#live += 1;
    return block;
  }

  /** Takes back a block; `bytes` is what it was allocated with. */
  free(start: number, bytes: number): void {
    if (bytes > blockBytesMax) {
      this.#arena.free(start);
      return;
    }
    this.#sizes[exponentFor(bytes)]!.free.push(start);
    this.#live -= 1;
    if (this.#live > 0) return;
    this.#sizes.length = 0;
    for (const slab of this.#slabs.splice(0)) this.#arena.free(slab);
  }

  #cut(size: SizeClass, blockBytes: number): number {
    if (size.uncut === size.slabEnd) {
      size.uncut = this.#arena.allocate(slabBytes);
      size.slabEnd = size.uncut + slabBytes;
      this.#slabs.push(size.uncut);
    }
    const block = size.uncut;
    size.uncut += blockBytes;
    return block;
  }
}

const exponentFor = (bytes: number): number => 32 - Math.clz32(Math.max(bytes, blockBytesMin) - 1);
