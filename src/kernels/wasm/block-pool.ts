import type { Arena } from './arena.js';

/** Smallest and largest block that the pool cuts; larger ones are regions of their own. */
const blockBytesMin = 64;
const blockBytesMax = 2048;
/** Bytes that are taken from the arena at once, to be cut into blocks of one size. */
const slabBytes = 32_768;

/**
 * Many small blocks out of few regions of an arena. Sizes are powers of two; a freed block is the next to be taken.
 * The memory goes back to the arena when the last block is freed.
 */
export class BlockPool {
  readonly #arena: Arena;
  readonly #slabs: number[] = [];
  /** Free blocks by the exponent of their size. */
  readonly #free: number[][] = [];
  #live = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** The address of a block of at least `bytes`, not cleared. Throws `KernelMemoryError`. */
  allocate(bytes: number): number {
    if (bytes > blockBytesMax) return this.#arena.allocate(bytes);
    const exponent = exponentFor(bytes);
    this.#free[exponent] ??= [];
    const free = this.#free[exponent];
    if (free.length === 0) this.#cut(exponent, free);
    this.#live += 1;
    return free.pop()!;
  }

  /** Takes back a block; `bytes` is what it was allocated with. */
  free(start: number, bytes: number): void {
    if (bytes > blockBytesMax) {
      this.#arena.free(start);
      return;
    }
    this.#free[exponentFor(bytes)]!.push(start);
    this.#live -= 1;
    if (this.#live > 0) return;
    this.#free.length = 0;
    for (const slab of this.#slabs.splice(0)) this.#arena.free(slab);
  }

  #cut(exponent: number, free: number[]): void {
    const slab = this.#arena.allocate(slabBytes);
    this.#slabs.push(slab);
    for (let at = slab + slabBytes; at > slab; ) {
      at -= 2 ** exponent;
      free.push(at);
    }
  }
}

const exponentFor = (bytes: number): number => 32 - Math.clz32(Math.max(bytes, blockBytesMin) - 1);
