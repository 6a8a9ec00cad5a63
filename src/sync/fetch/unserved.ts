import { noteUse } from '../../config/limit-use.js';
import type { MemoryHolder, Reservation } from '../../lib/budgets/memory-budget.js';
import { heldIdBytes } from '../held-memory.js';

/**
 * The ids that a relay listed and did not serve. Bounded for one relay, where the oldest are forgotten first, and in
 * memory for all relays together. What is forgotten, once a day at the latest, is asked for once more.
 */
export class UnservedIds implements Disposable {
  readonly #ids = new Set<string>();
  readonly #idsMax: number;
  readonly #join: (forget: () => void) => MemoryHolder;
  #holder: MemoryHolder;
  #memory: Reservation;

  /** `join` gives the account of their memory; it calls `forget` when that went to others, and is asked for another. */
  constructor(idsMax: number, join: (forget: () => void) => MemoryHolder) {
    this.#idsMax = idsMax;
    this.#join = join;
    this.#holder = this.#begin();
    this.#memory = this.#holder.open();
  }

  get size(): number {
    return this.#ids.size;
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  add(id: string): void {
    this.#ids.add(id);
    noteUse('unservedIdsMax', this.#ids.size);
    if (this.#count() && this.#ids.size <= this.#idsMax) return;
    for (const oldest of this.#ids) {
      this.delete(oldest);
      return;
    }
  }

  delete(id: string): void {
    this.#ids.delete(id);
    this.#count();
  }

  clear(): void {
    this.#ids.clear();
    this.#count();
  }

  [Symbol.dispose](): void {
    this.#ids.clear();
    this.#holder[Symbol.dispose]();
  }

  #begin(): MemoryHolder {
    return this.#join(() => {
      this.#ids.clear();
      this.#holder = this.#begin();
      this.#memory = this.#holder.open();
    });
  }

  #count(): boolean {
    return this.#memory.resize(this.#ids.size * heldIdBytes);
  }
}
