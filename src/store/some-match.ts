import type { Filter } from '../nostr/filter.js';
import type { EventIndex } from './index/event-index.js';
import { FilterPlan } from './index/filter-plan.js';
import type { VisitBudget } from './index/visit-budget.js';

/** A look for a row of a kind that is none of `besides`, newest first, which ends with its budget. */
export type BoundedLook = { readonly besides?: readonly number[]; readonly budget: VisitBudget };

/** Whether a stored row matches. */
export function someMatch(index: EventIndex, filter: Filter): boolean {
  let found = false;
  new FilterPlan(index, filter, 'stored').forEachMatch(() => {
    found = true;
    return false;
  });
  return found;
}

/** Whether one is found by such a look: refused rows stand in the same lists as stored ones, and may be very many. */
export function someMatchWithin(
  index: EventIndex,
  filter: Filter,
  { besides = [], budget }: BoundedLook,
): boolean {
  const plan = new FilterPlan(index, filter, 'stored');
  const source = plan.candidates();
  budget.visits -= plan.visitsMade;
  let found = false;
  while (!found && source.row >= 0 && !plan.isTooOld(source.row) && budget.visits > plan.visitsChecking) {
    found = plan.matches(source.row) && !besides.includes(index.rows.kind(source.row));
    budget.visits -= plan.visitsOfSteps(source.advance());
  }
  budget.visits -= plan.visitsChecking;
  return found;
}
