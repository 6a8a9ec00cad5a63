import { Fifo } from '../collections/fifo.js';
import type { WorkTurns } from './turn-scheduler.js';

/** Tasks that are done in the order in which they came, at once while the slice of the turn lasts. */
export class SlicedQueue {
  readonly #turns: WorkTurns;
  readonly #tasks = new Fifo<() => void>();
  #isRunning = false;

  constructor(turns: WorkTurns) {
    this.#turns = turns;
  }

  /** The tasks that wait. */
  get length(): number {
    return this.#tasks.length;
  }

  /** `task` must not throw. */
  push(task: () => void): void {
    this.#tasks.push(task);
    if (!this.#isRunning) void this.#run();
  }

  /** Drops what waits. */
  clear(): void {
    this.#tasks.clear();
  }

  /** Settles when all that was pushed before this call is done. */
  async drained(): Promise<void> {
    if (this.length > 0) await new Promise<void>((resolve) => this.push(resolve));
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#tasks.length > 0) {
      if (this.#turns.isOver) await this.#turns.next();
      this.#tasks.shift()?.();
    }
    this.#isRunning = false;
  }
}
