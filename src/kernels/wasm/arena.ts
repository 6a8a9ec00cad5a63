import { KernelMemoryError } from '../errors.js';
import type { KernelMemory } from '../kernels.js';
import type { LinearMemory } from './module.js';

/** Bytes of a WebAssembly page. */
const pageBytes = 65_536;
/** Regions start and end on cache lines. */
const lineBytes = 64;
/** Memory grows by at least this much, so that many small regions do not each grow it. */
const growthBytesMin = 16 * pageBytes;

/** A free stretch of the memory; two of them never touch. */
type FreeRegion = { start: number; bytes: number };

const roundUp = (bytes: number, unit: number): number => Math.ceil(bytes / unit) * unit;

/**
 * Owns the linear memory beyond what the module itself uses. Regions are taken by best fit, given back and joined
 * with their free neighbours; the memory grows when none fits, up to a limit. Only the arena grows the memory, so
 * the views that it gives are fresh until the next allocation.
 *
 * ```
 *  ├ module ┼ region ┼ free ┼ region ┼ region ┼ free ┤  reserved, ≤ bytesMax
 * ```
 */
export class Arena {
  readonly #memory: LinearMemory;
  readonly #bytesMax: number;
  readonly #used = new Map<number, number>();
  /** Sorted by start. */
  readonly #free: FreeRegion[] = [];
  #bytesInUse = 0;
  #end: number;
  #bytes: Uint8Array<ArrayBuffer>;
  #words: Uint32Array<ArrayBuffer>;
  #floats: Float64Array<ArrayBuffer>;
  #view: DataView<ArrayBuffer>;

  /** `heapBase` is the first byte that the module does not use; `bytesMax` limits the whole memory. */
  constructor(memory: LinearMemory, heapBase: number, bytesMax: number) {
    this.#memory = memory;
    this.#bytesMax = bytesMax;
    this.#end = memory.buffer.byteLength;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#words = new Uint32Array(memory.buffer);
    this.#floats = new Float64Array(memory.buffer);
    this.#view = new DataView(memory.buffer);
    const start = roundUp(heapBase, lineBytes);
    this.#free.push({ start, bytes: this.#end - start });
  }

  /** All of the memory as bytes. Valid until the next allocation, like the other views. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes;
  }

  /** All of the memory as 32-bit words; the index is the address / 4. */
  get words(): Uint32Array<ArrayBuffer> {
    return this.#words;
  }

  /** All of the memory as 64-bit floating point numbers; the index is the address / 8. */
  get floats(): Float64Array<ArrayBuffer> {
    return this.#floats;
  }

  get view(): DataView<ArrayBuffer> {
    return this.#view;
  }

  usage(): KernelMemory {
    return { bytesInUse: this.#bytesInUse, bytesReserved: this.#end, bytesMax: this.#bytesMax };
  }

  /** Takes a region of at least `bytes`, not cleared, and gives its address. Throws `KernelMemoryError`. */
  allocate(bytes: number): number {
    const wanted = roundUp(Math.max(bytes, 1), lineBytes);
    let index = this.#bestFit(wanted);
    if (index === -1) {
      this.#grow(wanted - this.#tailBytes());
      index = this.#free.length - 1;
    }
    const region = this.#free[index]!;
    const start = region.start;
    this.#takeFrom(index, wanted);
    this.#used.set(start, wanted);
    this.#bytesInUse += wanted;
    return start;
  }

  /** Gives a region back. */
  free(start: number): void {
    const bytes = this.#used.get(start);
    if (bytes === undefined) throw new RangeError(`no region starts at ${start}`);
    this.#used.delete(start);
    this.#bytesInUse -= bytes;
    this.#giveBack(start, bytes);
  }

  /**
   * Makes a region larger or smaller and keeps what fits of its content: in place where the memory behind it is
   * free, else elsewhere. Gives its address. Throws `KernelMemoryError`, and then nothing has changed.
   */
  resize(start: number, bytes: number): number {
    const wanted = roundUp(Math.max(bytes, 1), lineBytes);
    const had = this.#used.get(start);
    if (had === undefined) throw new RangeError(`no region starts at ${start}`);
    if (wanted <= had) {
      this.#setUsed(start, had, wanted);
      if (wanted < had) this.#giveBack(start + wanted, had - wanted);
      return start;
    }
    if (this.#extend(start + had, wanted - had)) {
      this.#setUsed(start, had, wanted);
      return start;
    }
    const moved = this.allocate(wanted);
    this.#bytes.copyWithin(moved, start, start + had);
    this.free(start);
    return moved;
  }

  /** Whether `more` bytes right at `at` could be taken, growing the memory when they reach beyond its end. */
  #extend(at: number, more: number): boolean {
    let index = this.#firstAtOrAfter(at);
    const next = this.#free[index];
    const room = next?.start === at ? next.bytes : 0;
    if (room < more) {
      if (at + room !== this.#end) return false;
      this.#grow(more - room);
      index = this.#free.length - 1;
    }
    this.#takeFrom(index, more);
    return true;
  }

  #setUsed(start: number, had: number, bytes: number): void {
    this.#used.set(start, bytes);
    this.#bytesInUse += bytes - had;
  }

  #takeFrom(index: number, bytes: number): void {
    const region = this.#free[index]!;
    if (region.bytes === bytes) {
      this.#free.splice(index, 1);
      return;
    }
    region.start += bytes;
    region.bytes -= bytes;
  }

  #giveBack(start: number, bytes: number): void {
    const index = this.#firstAtOrAfter(start);
    const before = this.#free[index - 1];
    const after = this.#free[index];
    const joinsBefore = before !== undefined && before.start + before.bytes === start;
    const joinsAfter = after !== undefined && start + bytes === after.start;
    if (joinsBefore) {
      before.bytes += bytes + (joinsAfter ? after.bytes : 0);
      if (joinsAfter) this.#free.splice(index, 1);
    } else if (joinsAfter) {
      after.start = start;
      after.bytes += bytes;
    } else {
      this.#free.splice(index, 0, { start, bytes });
    }
  }

  /** The smallest free region that holds `bytes`, or -1. */
  #bestFit(bytes: number): number {
    let best = -1;
    let bestBytes = Number.POSITIVE_INFINITY;
    for (let index = 0; index < this.#free.length; index++) {
      const size = this.#free[index]!.bytes;
      if (size < bytes || size >= bestBytes) continue;
      best = index;
      bestBytes = size;
      if (size === bytes) break;
    }
    return best;
  }

  #firstAtOrAfter(start: number): number {
    let low = 0;
    let high = this.#free.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#free[middle]!.start < start) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Free bytes at the end of the memory. */
  #tailBytes(): number {
    const last = this.#free.at(-1);
    return last !== undefined && last.start + last.bytes === this.#end ? last.bytes : 0;
  }

  #grow(bytes: number): void {
    const needed = roundUp(bytes, pageBytes);
    if (this.#end + needed > this.#bytesMax) throw new KernelMemoryError(needed, this.#bytesMax);
    const roomy = Math.min(Math.max(needed, growthBytesMin), this.#bytesMax - this.#end);
    const pages = Math.floor(roomy / pageBytes);
    try {
      this.#memory.grow(pages);
    } catch {
      // The system or the engine has less to give than the limit would allow.
      throw new KernelMemoryError(needed, this.#end);
    }
    const start = this.#end;
    this.#end = this.#memory.buffer.byteLength;
    this.#bytes = new Uint8Array(this.#memory.buffer);
    this.#words = new Uint32Array(this.#memory.buffer);
    this.#floats = new Float64Array(this.#memory.buffer);
    this.#view = new DataView(this.#memory.buffer);
    this.#giveBack(start, this.#end - start);
  }
}
