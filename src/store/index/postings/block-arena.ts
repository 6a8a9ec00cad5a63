import { append } from '../../../lib/collections/lists.js';

const pageBits = 16;
const pageWords = 1 << pageBits;
const pageMask = pageWords - 1;

/** Sizes of blocks in words. Neighbours differ by a third at most, so that little of a block stays unused. */
const blockSizes = [3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256] as const;

/** The largest size class. */
export const blockClassMax = blockSizes.length - 1;

/**
 * Blocks of words for posting lists, in pages so that growing copies nothing. A block is known by its offset in
 * words; it never crosses a page, so `page(offset)` from `indexOf(offset)` on holds all of it. The first word of a
 * block in use is `count | class << 16`; of a free block, the offset of the next free one of its class.
 */
export class BlockArena {
  readonly #pages: Uint32Array[] = [];
  readonly #freeHeads = new Uint32Array(blockSizes.length);
  /** Offset 0 is never given out: it ends the lists of free blocks. */
  #end = 1;

  get bytes(): number {
    return this.#pages.length * pageWords * 4;
  }

  /** An empty block: count 0. */
  allocate(sizeClass: number): number {
    const size = blockSizes[sizeClass]!;
    let offset = this.#freeHeads[sizeClass]!;
    if (offset !== 0) {
      this.#freeHeads[sizeClass] = this.#pages[offset >>> pageBits]![offset & pageMask]!;
    } else {
      if ((this.#end + size - 1) >>> pageBits !== this.#end >>> pageBits) {
        this.#end = ((this.#end >>> pageBits) + 1) << pageBits;
      }
      offset = this.#end;
      this.#end += size;
      while (offset >>> pageBits >= this.#pages.length) this.#pages.push(new Uint32Array(pageWords));
    }
    this.#pages[offset >>> pageBits]![offset & pageMask] = sizeClass << 16;
    return offset;
  }

  release(offset: number): void {
    const page = this.#pages[offset >>> pageBits]!;
    const at = offset & pageMask;
    const sizeClass = page[at]! >>> 16;
    page[at] = this.#freeHeads[sizeClass]!;
    this.#freeHeads[sizeClass] = offset;
  }

  page(offset: number): Uint32Array {
    return this.#pages[offset >>> pageBits]!;
  }

  /** Where in its page a block begins. */
  indexOf(offset: number): number {
    return offset & pageMask;
  }

  dump(): { end: number; freeHeads: Uint32Array; pages: Uint32Array[] } {
    return { end: this.#end, freeHeads: this.#freeHeads, pages: this.#pages };
  }

  restore(end: number, freeHeads: Uint32Array, pages: readonly Uint32Array[]): void {
    this.#end = end;
    this.#freeHeads.set(freeHeads);
    append(this.#pages, pages);
  }
}

/** How many rows a block of that class holds beside its first word. */
export function blockCapacity(sizeClass: number): number {
  return blockSizes[sizeClass]! - 1;
}

/** The smallest class that holds `rows`. */
export function blockClassFor(rows: number): number {
  let sizeClass = 0;
  while (sizeClass < blockClassMax && blockCapacity(sizeClass) < rows) sizeClass += 1;
  return sizeClass;
}
