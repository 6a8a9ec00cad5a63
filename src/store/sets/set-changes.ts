import type { LiveSet } from '../../kernels/kernels.js';

type Change = { readonly isAdded: boolean; readonly createdAt: number; readonly id: Uint8Array };

/** What happened to a set while it was made, in order; at most some changes, then only that there were more. */
export class SetChanges {
  readonly #changesMax: number;
  #changes: Change[] = [];
  #areLost = false;

  constructor(changesMax: number) {
    this.#changesMax = changesMax;
  }

  get isEmpty(): boolean {
    return this.#changes.length === 0;
  }

  /** Whether not all changes are known, and so none. */
  get areLost(): boolean {
    return this.#areLost;
  }

  add(createdAt: number, id: Uint8Array): void {
    this.#push({ isAdded: true, createdAt, id });
  }

  remove(createdAt: number, id: Uint8Array): void {
    this.#push({ isAdded: false, createdAt, id });
  }

  lose(): void {
    this.#areLost = true;
    this.#changes = [];
  }

  /** Makes the changes. Throws `KernelMemoryError`. */
  applyTo(set: LiveSet): void {
    for (const { isAdded, createdAt, id } of this.#changes) {
      if (isAdded) set.insert(createdAt, id);
      else set.delete(createdAt, id);
    }
  }

  #push(change: Change): void {
    if (this.#areLost) return;
    if (this.#changes.length >= this.#changesMax) this.lose();
    else this.#changes.push(change);
  }
}
