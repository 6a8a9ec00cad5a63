import type { Filter } from '../../nostr/filter.js';

/** Seconds since 1970; both ends belong to it; `until: undefined` is without end. */
export type TimeRange = { readonly since: number; readonly until: number | undefined };

/** One piece of the catch-up of a filter: what is asked, over which time, and how. */
export type CatchupTask = {
  readonly filter: Filter;
  readonly range: TimeRange;
  readonly method: 'negentropy' | 'paging';
  /** How often it broke. */
  readonly failures: number;
};

/** What came of a negentropy session. */
export type NegentropyResult =
  | { readonly type: 'reconciled' }
  /** The remote, or our own memory, does not take that many events at once. `cuts`: where to divide, oldest first. */
  | { readonly type: 'too-many'; readonly cuts: readonly number[] }
  /** The remote does not do negentropy, or not this one. */
  | { readonly type: 'rejected' }
  /** The remote did not answer NEG-OPEN. */
  | { readonly type: 'silent' }
  /** It began and broke: silence, a protocol violation, a session that was dropped. */
  | { readonly type: 'broken' };

/** The catch-up of one filter: pure, `(state, result) → state`. */
export type FilterCatchup = {
  readonly pending: readonly CatchupTask[];
  readonly cuts: number;
};

export type CatchupRules = {
  readonly cutsMax: number;
  /** Wall-clock seconds. */
  readonly now: number;
};

export function startCatchup(filter: Filter, since: number, method: CatchupTask['method']): FilterCatchup {
  return { pending: [{ filter, range: { since, until: undefined }, method, failures: 0 }], cuts: 0 };
}

/** Divides what is pending at the given times, so that several sessions can run at once. */
export function divide(catchup: FilterCatchup, cuts: readonly number[]): FilterCatchup {
  return { ...catchup, pending: catchup.pending.flatMap((task) => divided(task, cuts)) };
}

/** Whether negentropy sessions are still to begin. */
export function hasSessions({ pending }: FilterCatchup): boolean {
  return pending.some(({ method }) => method === 'negentropy');
}

/** Takes the next task out. */
export function takeTask(
  catchup: FilterCatchup,
): { readonly task: CatchupTask; readonly rest: FilterCatchup } | undefined {
  const [task, ...pending] = catchup.pending;
  return task === undefined ? undefined : { task, rest: { ...catchup, pending } };
}

/** Takes the result of a session; what has to be done in its place stands in front. */
export function takeResult(
  catchup: FilterCatchup,
  task: CatchupTask,
  result: NegentropyResult,
  rules: CatchupRules,
): FilterCatchup {
  switch (result.type) {
    case 'reconciled':
      return catchup;
    case 'too-many': {
      const pieces = catchup.cuts < rules.cutsMax ? smaller(task, result.cuts, rules.now) : [];
      const inPlace = pieces.length > 0 ? pieces : [paged(task)];
      return { pending: [...inPlace, ...catchup.pending], cuts: catchup.cuts + 1 };
    }
    case 'rejected':
    case 'silent':
      return { ...catchup, pending: [paged(task), ...catchup.pending] };
    case 'broken': {
      const again = task.failures === 0 ? { ...task, failures: 1 } : paged(task);
      return { ...catchup, pending: [again, ...catchup.pending] };
    }
  }
}

/** What is left is paged: negentropy turned out not to work. */
export function withoutNegentropy(catchup: FilterCatchup): FilterCatchup {
  return { ...catchup, pending: catchup.pending.map(paged) };
}

function paged(task: CatchupTask): CatchupTask {
  return { ...task, method: 'paging' };
}

/** The same question in smaller pieces: by time, else by the values of its list, else not at all. */
function smaller(task: CatchupTask, cuts: readonly number[], now: number): CatchupTask[] {
  const byLocalSet = divided(task, cuts);
  if (byLocalSet.length > 1) return byLocalSet;
  const byTime = divided(task, [middleOf(task.range, now)]);
  if (byTime.length > 1) return byTime;
  return halvedByValues(task.filter).map((filter) => ({ ...task, filter }));
}

/** Cuts a task before each of the given times, newest piece first. */
function divided(task: CatchupTask, cuts: readonly number[]): CatchupTask[] {
  const { since, until } = task.range;
  const inside = [...new Set(cuts)]
    .filter((cut) => cut > since && cut <= (until ?? Number.MAX_SAFE_INTEGER))
    .sort((a, b) => a - b);
  const starts = [since, ...inside];
  return starts
    .map((start, index) => {
      const next = starts[index + 1];
      return { ...task, range: { since: start, until: next === undefined ? until : next - 1 } };
    })
    .reverse();
}

/** When Nostr began; nearly all that is older, or is not yet, has a false date. */
const firstNostrSecond = 1_600_000_000;

function middleOf({ since, until }: TimeRange, now: number): number {
  if (until === undefined) {
    if (since <= now) return since < firstNostrSecond ? firstNostrSecond : halfway(since, now + 1);
    return halfway(since, Number.MAX_SAFE_INTEGER);
  }
  if (since < firstNostrSecond && until > firstNostrSecond) return firstNostrSecond;
  return halfway(since, until);
}

function halfway(since: number, until: number): number {
  return since + Math.ceil((until - since) / 2);
}

function halvedByValues(filter: Filter): Filter[] {
  for (const [key, values] of Object.entries(filter)) {
    if (!Array.isArray(values) || values.length < 2) continue;
    const middle = values.length >> 1;
    return [
      { ...filter, [key]: values.slice(0, middle) },
      { ...filter, [key]: values.slice(middle) },
    ];
  }
  return [];
}
