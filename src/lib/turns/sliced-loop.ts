import type { WorkTurns } from './turn-scheduler.js';

/** Repeats a step for as long as there is something to do: at once while the slice of the turn lasts, then in later turns. */
export class SlicedLoop {
  readonly #turns: WorkTurns;
  readonly #step: () => boolean;
  #isRunning = false;

  /** `step` does one piece of the work and gives whether there may be more; there is another turn before each, perhaps. */
  constructor(turns: WorkTurns, step: () => boolean) {
    this.#turns = turns;
    this.#step = step;
  }

  /** There is something to do; nothing happens where that is being done already. */
  begin(): void {
    if (!this.#isRunning) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    try {
      while (this.#step()) if (this.#turns.isOver) await this.#turns.next();
    } finally {
      this.#isRunning = false;
    }
  }
}
