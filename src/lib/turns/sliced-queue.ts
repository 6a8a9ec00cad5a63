import { type Deferred, deferred } from '../abort.js';
import type { TurnSlices } from './turn-slices.js';

/** Work that is done item by item in the order in which it came, at once while the slice of the turn lasts. */
export class SlicedQueue<T> {
  readonly #slices: TurnSlices;
  readonly #work: (item: T) => void;
  #items: T[] = [];
  #head = 0;
  #taken = 0;
  #done = 0;
  #isRunning = false;
  #waiting: { readonly taken: number; readonly done: Deferred<void> }[] = [];

  /** `work` must not throw. */
  constructor(slices: TurnSlices, work: (item: T) => void) {
    this.#slices = slices;
    this.#work = work;
  }

  /** The items that wait. */
  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
    this.#taken += 1;
    if (!this.#isRunning) void this.#run();
  }

  /** Settles when all that was pushed before this call is done. */
  async drained(): Promise<void> {
    if (this.#done === this.#taken) return;
    const done = deferred<void>();
    this.#waiting.push({ taken: this.#taken, done });
    await done.promise;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.length > 0) {
      if (this.#slices.isOver) await this.#slices.next();
      const item = this.#items[this.#head] as T;
      this.#head += 1;
      this.#work(item);
      this.#finishOne();
    }
    this.#isRunning = false;
  }

  #finishOne(): void {
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    }
    this.#done += 1;
    while (this.#waiting[0] !== undefined && this.#waiting[0].taken <= this.#done) {
      this.#waiting.shift()?.done.resolve();
    }
  }
}
