import { afterEach, describe, expect, it, vi } from 'vitest';
import type { WorkTurns } from '../../src/lib/turns/turn-scheduler.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import type { Filter } from '../../src/nostr/filter.js';
import {
  conditionToWalk,
  type ListCondition,
  rowsGatheredMax,
} from '../../src/store/index/list-condition.js';
import { PostingLists } from '../../src/store/index/postings/posting-lists.js';
import { RowSet } from '../../src/store/index/rows/row-set.js';
import { RowTable } from '../../src/store/index/rows/row-table.js';
import { createMemoryStore } from '../../src/store/memory-store.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { collectedInTurns, idsOf } from './support/answers.js';
import { makeEvent } from './support/events.js';

const now = 1_700_000_000;
const rowsPerTurn = 1_000;
const listCount = 200;

const values = (count = listCount, prefix = '') => Array.from({ length: count }, (_, at) => `${prefix}${at}`);

/** Events of one second each that have all of the tags. */
function events(count: number, tags: string[][], from = 0): NostrEvent[] {
  return Array.from({ length: count }, (_, at) => makeEvent({ created_at: now + from + at, tags }));
}

const tagsOf = (letter: string, list: readonly string[]) => list.map((value) => [letter, value]);

function storeOf(stored: readonly NostrEvent[]) {
  const opened = createMemoryStore({ clock: new VirtualClock(now * 1_000), rowsPerTurn });
  for (const event of stored) opened.store.put(event);
  return opened;
}

/** Turns of one client, and what `count` says of each at its end. */
function countedTurns(count: () => number = () => 0) {
  const spent: number[] = [0];
  const counted: number[] = [];
  const end = () => counted.push(count() - counted.reduce((sum, each) => sum + each, 0));
  const turns: WorkTurns = {
    isOver: false,
    next: async () => {
      end();
      spent.push(0);
    },
    spend: (units) => {
      spent[spent.length - 1]! += units;
    },
  };
  return { turns, spent, counted, end };
}

async function queried(
  store: ReturnType<typeof storeOf>['store'],
  filters: readonly Filter[],
  turns: WorkTurns,
): Promise<string[]> {
  const ids: string[] = [];
  for await (const chunk of store.query(filters, turns)) ids.push(...chunk.map(({ id }) => id));
  return ids;
}

const newestFirst = (list: readonly NostrEvent[]) =>
  [...list].sort((a, b) => b.created_at - a.created_at).map(({ id }) => id);

/** What a plan for so many values takes, and is of use for at least. */
const planVisits = (count: number) => 8 * count * 1.25;

afterEach(() => {
  vi.restoreAllMocks();
});

describe('events that have many of the values asked for', () => {
  const stored = events(100, tagsOf('t', values()));
  const filter = { '#t': values() };

  it('are found in turns: each list that has one is a step', async () => {
    const { store } = storeOf(stored);
    const { turns, spent } = countedTurns();
    expect(await queried(store, [filter], turns)).toEqual(newestFirst(stored));
    expect(spent.reduce((sum, units) => sum + units)).toBeGreaterThan((100 * listCount) / 2);
    // The last row of a turn is passed in all lists.
    for (const units of spent) expect(units).toBeLessThan(rowsPerTurn + planVisits(listCount) + listCount);
    expect(spent.length).toBeGreaterThan(10);
  });

  it('are passed in all lists at once, with a few comparisons in each', async () => {
    const { store } = storeOf(stored);
    const compare = vi.spyOn(RowTable.prototype, 'compare');
    await idsOf(store, [filter]);
    // Beside those of turns, which begin anew.
    expect(compare.mock.calls.length).toBeLessThan(100 * listCount * 5);
  });

  it('are gathered in turns to be counted and reconciled', async () => {
    const { store } = storeOf(stored);
    const add = vi.spyOn(RowSet.prototype, 'add');
    for (const ask of [
      (turns: WorkTurns) => store.countInTurns([filter, { ...filter, since: 1 }], undefined, turns),
      (turns: WorkTurns) =>
        store.collectInTurns(
          filter,
          1_000,
          { append: () => new Uint8Array(40_000) } as never,
          undefined,
          turns,
        ),
      (turns: WorkTurns) =>
        store.countInTurns([{ ...filter, ids: stored.map(({ id }) => id) }], undefined, turns),
    ]) {
      add.mockClear();
      const { turns, counted, end } = countedTurns(() => add.mock.calls.length);
      await ask(turns);
      end();
      for (const added of counted) expect(added).toBeLessThan(16 * rowsPerTurn);
      expect(counted.filter((added) => added > 0).length).toBeGreaterThan(1);
    }
  });

  it('are counted right, also when events come and go while they are gathered', async () => {
    const { store } = storeOf(stored);
    expect(await store.countInTurns([filter])).toBe(100);
    expect(await store.countInTurns([{ ...filter, ids: stored.slice(0, 7).map(({ id }) => id) }])).toBe(7);
    expect(await collectedInTurns(store, { ...filter, since: now + 90 }, 100)).toHaveLength(10);
    const others = events(3_000, tagsOf('t', ['0', '1', 'x']), 1_000);
    let turn = 0;
    const { turns } = countedTurns();
    const counting = store.countInTurns([filter], undefined, {
      ...turns,
      next: async () => {
        for (const event of others.slice(turn * 500, (turn + 1) * 500)) store.put(event);
        for (const event of others.slice((turn - 1) * 500, turn * 500)) store.remove(event.id);
        turn += 1;
      },
    });
    expect(await counting).toBe(100);
    expect(turn).toBeGreaterThan(1);
  });
});

describe('rows that are checked by many lists', () => {
  const wanted = events(100, [['t', 'x']]);
  const others = events(300, tagsOf('r', values()), 1_000);
  const filter = { '#t': ['x'], '#r': values() };

  it('are so many a turn as the searches allow', async () => {
    const { store } = storeOf([...wanted, ...others]);
    const contains = vi.spyOn(PostingLists.prototype, 'contains');
    const add = vi.spyOn(RowSet.prototype, 'add');
    const { turns, counted, spent, end } = countedTurns(
      () => contains.mock.calls.length + add.mock.calls.length / 16,
    );
    expect(await queried(store, [filter], turns)).toEqual([]);
    end();
    for (const visits of counted) expect(visits).toBeLessThan(rowsPerTurn + planVisits(listCount + 1));
    expect(spent.reduce((sum, units) => sum + units)).toBeGreaterThan(100 * listCount);
  });

  it('are those with the fewest rows, but where to search for each would take longer than to walk the lists', () => {
    const condition = (name: string, lists: number, rowCount: number): ListCondition => ({
      name,
      lists: new Array(lists).fill(1),
      rowCount,
      lookups: lists,
      listAt: () => 0,
    });
    const kind = condition('kind', 1, 500_000);
    const short = condition('tag', 5_000, rowsGatheredMax);
    const long = condition('tag', 5_000, 10 * rowsGatheredMax);
    expect(conditionToWalk([short, kind])).toBe(kind);
    expect(conditionToWalk([long, kind])).toBe(long);
    expect(conditionToWalk([condition('tag', 2, 10 * rowsGatheredMax), kind])).toBe(kind);
    expect(conditionToWalk([])).toBeUndefined();
  });
});

describe('an event that was refused and forgotten before it was stored', () => {
  it('is found and counted once, whichever of its values are asked for', async () => {
    const { store, refused } = storeOf([]);
    const event = makeEvent({ tags: tagsOf('t', ['a', 'b', 'c']) });
    const older = makeEvent({ tags: tagsOf('t', ['a', 'b']), created_at: now - 1 });
    refused.add(event, 'blocked: for a test');
    refused.delete(event.id);
    store.put(event);
    store.put(older);
    const filter = { '#t': ['a', 'b', 'c'], limit: 2 };
    expect(store.count([filter])).toBe(2);
    expect(await idsOf(store, [filter])).toEqual([event.id, older.id]);
  });
});
