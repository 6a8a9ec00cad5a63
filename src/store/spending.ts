import type { WorkTurns } from '../lib/turns/turn-scheduler.js';
import type { VisitBudget } from './index/visit-budget.js';

/** How long work goes about its turns: whose they are, and the rows that are looked at in each. */
export type StoreTurns = { readonly turns: WorkTurns; readonly rowsPerTurn: number };

/** Does work of one turn and puts what it took of the budget on the account; gives its result. */
export function spending<T>(turns: WorkTurns, visits: number, work: (budget: VisitBudget) => T): T {
  const budget = { visits };
  const result = work(budget);
  turns.spend(visits - budget.visits);
  return result;
}
