import type { WorkTurns } from './turn-scheduler.js';

/** Tasks that are done in the order in which they came, at once while the slice of the turn lasts. */
export class SlicedQueue {
  readonly #turns: WorkTurns;
  #tasks: (() => void)[] = [];
  #done = 0;
  #isRunning = false;

  constructor(turns: WorkTurns) {
    this.#turns = turns;
  }

  /** The tasks that wait. */
  get length(): number {
    return this.#tasks.length - this.#done;
  }

  /** `task` must not throw. */
  push(task: () => void): void {
    this.#tasks.push(task);
    if (!this.#isRunning) void this.#run();
  }

  /** Settles when all that was pushed before this call is done. */
  async drained(): Promise<void> {
    if (this.length > 0) await new Promise<void>((resolve) => this.push(resolve));
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#done < this.#tasks.length) {
      if (this.#turns.isOver) await this.#turns.next();
      const task = this.#tasks[this.#done] as () => void;
      this.#done += 1;
      task();
    }
    this.#tasks = [];
    this.#done = 0;
    this.#isRunning = false;
  }
}
