/** Ids of two ages. What ages twice is forgotten. */
export class RecentIds {
  #recent = new Set<string>();
  #earlier = new Set<string>();

  /** The number of ids that the next `age` leaves behind. */
  get size(): number {
    return this.#recent.size;
  }

  add(id: string): void {
    this.#recent.add(id);
  }

  /** Forgets an id; whether it was there. */
  take(id: string): boolean {
    return this.#recent.delete(id) || this.#earlier.delete(id);
  }

  /** Forgets what was added before the previous call. */
  age(): void {
    this.#earlier = this.#recent;
    this.#recent = new Set();
  }
}
