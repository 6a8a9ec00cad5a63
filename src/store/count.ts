import type { Filter } from '../nostr/filter.js';
import type { QueryMemory } from './event-store.js';
import type { EventIndex } from './index/event-index.js';
import { MatchRun } from './index/match-run.js';
import { RowSet } from './index/rows/row-set.js';
import type { VisitBudget } from './index/visit-budget.js';
import { type StoreTurns, spending } from './spending.js';

/**
 * Counts the stored rows that match any of some filters, each row once, in turns between which the index may change.
 * Where only kinds are asked for, the index has the number.
 */
export class CountRun {
  #count = 0;
  readonly #runs: MatchRun[];
  readonly #seen: RowSet | undefined;

  constructor(index: EventIndex, filters: readonly Filter[]) {
    const known = knownCount(index, filters);
    this.#count = known ?? 0;
    this.#runs = known === undefined ? filters.map((filter) => new MatchRun(index, filter, 'stored')) : [];
    this.#seen = this.#runs.length > 1 ? new RowSet(index.rows.end) : undefined;
  }

  /** What was counted so far. */
  get count(): number {
    return this.#count;
  }

  /** What it holds until it goes on, beside the filters; only the first that is not done has begun. */
  get bytes(): number {
    return (this.#seen?.bytes ?? 0) + (this.#runs[0]?.bytes ?? 0);
  }

  /** Goes on while the budget lasts; whether all is counted. */
  next(budget: VisitBudget): boolean {
    for (let run = this.#runs[0]; run !== undefined; run = this.#runs[0]) {
      if (budget.visits <= 0) return false;
      const isDone = run.next(budget, (row) => {
        if (this.#seen?.add(row) !== false) this.#count += 1;
      });
      if (!isDone) return false;
      this.#runs.shift();
    }
    return true;
  }
}

/** Counts so many rows a turn, takes further turns by `next`, and tells `memory` what is held until then. Rejects as these do. */
export async function countInTurns(
  index: EventIndex,
  filters: readonly Filter[],
  { turns, rowsPerTurn }: StoreTurns,
  next: () => Promise<void>,
  memory: QueryMemory | undefined,
): Promise<number> {
  const run = new CountRun(index, filters);
  while (!spending(turns, rowsPerTurn, (budget) => run.next(budget))) {
    memory?.hold(run.bytes);
    await next();
  }
  return run.count;
}

/**
 * The count where the index keeps it: of everything, and of kinds. Lengths of posting lists would not do, for they
 * have the refused rows too.
 */
function knownCount(index: EventIndex, filters: readonly Filter[]): number | undefined {
  const wanted = new Set<number>();
  let isKnown = true;
  for (const { limit: _, kinds, ...others } of filters) {
    if (Object.values(others).some((value) => value !== undefined)) isKnown = false;
    else if (kinds === undefined) return index.storedCount;
    else for (const kind of kinds) wanted.add(kind);
  }
  if (!isKnown) return undefined;
  let count = 0;
  for (const kind of wanted) count += index.kindCounts[kind] ?? 0;
  return count;
}
