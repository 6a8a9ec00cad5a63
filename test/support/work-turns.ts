import type { WorkTurns } from '../../src/lib/turns/turn-scheduler.js';
import { settle } from './virtual-clock.js';

/** One turn that is long enough for everything. */
export const endlessTurn: WorkTurns = { isOver: false, next: async () => {}, spend: () => {} };

/** Turns with room for one piece of work each, which begin when that is said. */
export class SteppedTurns implements WorkTurns {
  readonly isOver = true;
  #waiting: (() => void)[] = [];

  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  spend(): void {}

  /** Has all who wait do a piece; whether there were any. */
  async step(): Promise<boolean> {
    const begun = this.#waiting;
    this.#waiting = [];
    for (const begin of begun) begin();
    await settle();
    return begun.length > 0;
  }

  /** Has turns begin until nobody waits; gives how many did. */
  async finish(): Promise<number> {
    let turns = 0;
    while (await this.step()) turns += 1;
    return turns;
  }
}
