import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Filter } from '../../src/nostr/filter.js';
import {
  type CatchupTask,
  divide,
  type FilterCatchup,
  type NegentropyResult,
  startCatchup,
  takeResult,
  takeTask,
  withoutNegentropy,
} from '../../src/sync/catchup/filter-catchup.js';

fc.configureGlobal({ seed: 20260101 });

const filter: Filter = { '#a': ['x', 'y'] };
const rules = { cutsMax: 256, now: 1_767_225_600 };

/** Plays a catch-up to its end; `answer` is the remote. */
function play(begin: FilterCatchup, answer: (task: CatchupTask) => NegentropyResult): CatchupTask[] {
  const done: CatchupTask[] = [];
  let state = begin;
  for (let next = takeTask(state); next !== undefined; next = takeTask(state)) {
    if (done.length > 5_000) throw new Error('without end');
    const { task, rest } = next;
    if (task.method === 'paging') {
      done.push(task);
      state = rest;
      continue;
    }
    const result = answer(task);
    if (result.type === 'reconciled') done.push(task);
    state = takeResult(rest, task, result, rules);
  }
  return done;
}

/** Whether the tasks cover (second, value) exactly once. */
function covers(tasks: readonly CatchupTask[], second: number, value: string): number {
  return tasks.filter(
    ({ range, filter: { '#a': values = [] } }) =>
      range.since <= second && second <= (range.until ?? Number.MAX_SAFE_INTEGER) && values.includes(value),
  ).length;
}

const seconds = [
  0,
  1,
  1_599_999_999,
  1_600_000_000,
  1_700_000_000,
  rules.now,
  rules.now + 1,
  Number.MAX_SAFE_INTEGER,
];

describe('catch-up of one filter (docs/sync.md §5)', () => {
  it('is one session where that is enough', () => {
    const done = play(startCatchup(filter, 5, 'negentropy'), () => ({ type: 'reconciled' }));
    expect(done).toEqual([
      { filter, range: { since: 5, until: undefined }, method: 'negentropy', failures: 0 },
    ]);
  });

  it('"too many" splits the time range, and the pieces cover everything once', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2_000_000_000 }),
        fc.array(fc.nat(1_800_000_000)),
        (widest, cuts) => {
          const done = play(startCatchup(filter, 0, 'negentropy'), ({ range }) => {
            const width = (range.until ?? Number.MAX_SAFE_INTEGER) - range.since;
            return width > widest * 1e7 ? { type: 'too-many', cuts } : { type: 'reconciled' };
          });
          for (const second of seconds) {
            expect(covers(done, second, 'x')).toBe(1);
            expect(covers(done, second, 'y')).toBe(1);
          }
        },
      ),
    );
  });

  it('a second with too many is split by its values, and paged when there is one value only', () => {
    const second = { filter, range: { since: 7, until: 7 }, method: 'negentropy' as const, failures: 0 };
    const done = play({ pending: [second], cuts: 0 }, () => ({ type: 'too-many', cuts: [] }));
    expect(done.map((task) => [task.method, task.filter['#a']])).toEqual([
      ['paging', ['x']],
      ['paging', ['y']],
    ]);
  });

  it('a relay that finds everything too large is paged in the end, in bounded pieces', () => {
    const done = play(startCatchup(filter, 0, 'negentropy'), () => ({ type: 'too-many', cuts: [] }));
    expect(done.length).toBeLessThanOrEqual(rules.cutsMax + 1);
    for (const second of seconds) expect(covers(done, second, 'x')).toBe(1);
  });

  it('negentropy that is refused falls back to pages', () => {
    const done = play(startCatchup(filter, 0, 'negentropy'), () => ({ type: 'rejected' }));
    expect(done.map((task) => task.method)).toEqual(['paging']);
  });

  it('a session that broke is tried once more, then paged', () => {
    let sessions = 0;
    const done = play(startCatchup(filter, 0, 'negentropy'), () => {
      sessions += 1;
      return { type: 'broken' };
    });
    expect(sessions).toBe(2);
    expect(done.map((task) => task.method)).toEqual(['paging']);
  });

  it('several sessions run over disjoint time ranges that cover everything', () => {
    const { pending } = divide(
      startCatchup(filter, 0, 'negentropy'),
      [1_700_000_000, 1_600_000_000, 1_700_000_000],
    );
    expect(pending.length).toBe(3);
    for (const second of seconds) expect(covers(pending, second, 'x')).toBe(1);
  });

  it('what is left is paged when negentropy turned out not to work', () => {
    const divided = divide(startCatchup(filter, 0, 'negentropy'), [1_700_000_000]);
    expect(withoutNegentropy(divided).pending.map((task) => task.method)).toEqual(['paging', 'paging']);
  });
});
