import { turnOrder } from '../lib/turns/turn-order.js';
import type { WorkTurns } from '../lib/turns/work-turns.js';
import type { VisitBudget } from './index/filter-stream.js';

const nextTurn = turnOrder.of('care');

/**
 * Turns of the event loop for long work on one index, first come, first served: between two of them, whoever takes
 * them, the event loop does all else. Nobody is charged for it.
 */
export class Turns implements WorkTurns {
  #last: Promise<void> = Promise.resolve();

  async next(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const turn = this.#last.then(() => new Promise<void>((resolve) => nextTurn(resolve)));
    this.#last = turn;
    await turn;
    signal?.throwIfAborted();
  }

  get isOver(): boolean {
    return false;
  }

  spend(_units: number): void {}
}

/** Does work of one turn and puts what it took of the budget on the account; gives its result. */
export function spending<T>(turns: WorkTurns, visits: number, work: (budget: VisitBudget) => T): T {
  const budget = { visits };
  const result = work(budget);
  turns.spend(visits - budget.visits);
  return result;
}
