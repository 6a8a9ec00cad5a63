import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  announcementsTopic,
  catchupTriggers,
  type Layer,
  layerOf,
  type SubscriptionContent,
  type Topic,
} from '../../src/sync/topics/layers.js';
import { type CatchupBatch, isWanted, stands } from '../../src/sync/topics/topic-state.js';
import { TopicTable } from '../../src/sync/topics/topic-table.js';
import { pubkey } from './support/events.js';

fc.configureGlobal({ seed: 20260101 });

const day = 86_400;
const times = (now: number) => ({ now, lookbackSeconds: 3 * day });

const subscriptionTo = (...topics: Topic[]): SubscriptionContent => ({ topics, filters: [{ '#a': topics }] });

/** A table on a connection, with a subscription that stands for these topics. */
function live(...topics: Topic[]): { table: TopicTable; subscription: SubscriptionContent } {
  const table = new TopicTable();
  table.connected(topics);
  const subscription = subscriptionTo(...topics);
  table.live.opened(subscription);
  table.live.confirmed(subscription, 500);
  return { table, subscription };
}

/** The batch of everything that comes next of a trigger. */
function begin(table: TopicTable, trigger: CatchupBatch['trigger'], now = 1_000): CatchupBatch {
  const next = table.catchup.next(trigger);
  if (next?.type !== 'due') throw new TypeError(`nothing is due of ${trigger}`);
  return table.catchup.began(next, [...next.topics], times(now));
}

describe('the live side of the table (docs/sync.md §3, §4)', () => {
  it('what is missing is wanted and neither in flight nor confirmed, in the order of what is wanted', () => {
    const table = new TopicTable();
    table.connected(['a', 'b', 'c', 'd']);
    const [opening, confirmed] = [subscriptionTo('b'), subscriptionTo('c')];
    table.live.opened(opening);
    table.live.opened(confirmed);
    table.live.confirmed(confirmed, 1);
    expect([...table.live.missing]).toEqual(['a', 'd']);
  });

  it('what is wanted again while a subscription stands is due, and is not asked for live again', () => {
    const { table } = live('a', 'b', 'c');
    table.catchup.done(begin(table, 'start'));
    table.unwant(['a']);
    expect(table.live.isStale).toBe(false);
    table.want(['a']);
    expect([...table.live.missing]).toEqual([]);
    expect([...(table.catchup.next('start') as { topics: Iterable<Topic> }).topics]).toEqual(['a']);
  });

  it('what is wanted again while its subscription is only being opened is due when that stands', () => {
    const table = new TopicTable();
    table.connected(['a']);
    const subscription = subscriptionTo('a');
    table.live.opened(subscription);
    table.unwant(['a']);
    table.want(['a']);
    expect(table.catchup.next('start')).toBeUndefined();
    table.live.confirmed(subscription, 1);
    expect(table.catchup.next('start')).toBeDefined();
  });

  it('what is wanted again while a rebuild closes its subscription is missing', () => {
    const { table, subscription } = live('a', 'b');
    table.unwant(['a']);
    table.live.opened(subscriptionTo('b'));
    table.want(['a']);
    table.live.closed(subscription);
    expect([...table.live.missing]).toEqual(['a']);
  });

  it('a rebuild makes nothing due, unless the old subscription is lost before the new one stands', () => {
    const { table, subscription } = live('a');
    table.catchup.done(begin(table, 'start'));
    const fresh = subscriptionTo('a');
    table.live.opened(fresh);
    table.live.confirmed(fresh, 2);
    expect(table.catchup.isOver('reconnect')).toBe(true);
    table.live.closed(subscription);
    const fresher = subscriptionTo('a');
    table.live.opened(fresher);
    table.live.lost(fresh, false);
    const batch = begin(table, 'reconnect');
    table.live.confirmed(fresher, 3);
    expect(table.catchup.next('reconnect')).toBeDefined();
    table.catchup.done(batch);
    expect(table.catchup.isOver('reconnect')).toBe(false);
  });

  it('what failed is asked for again ever later, and at once when it was not wanted in between', () => {
    const table = new TopicTable();
    table.connected(['a']);
    const failures: number[] = [];
    for (let n = 1; n <= 3; n += 1) {
      const subscription = subscriptionTo('a');
      table.live.opened(subscription);
      table.live.lost(subscription, false);
      table.live.failedUntil(['a'], (count) => failures.push(count) * 1_000);
      expect(table.live.nextRetryAt).toBe(n * 1_000);
      table.live.retry(n * 1_000 - 1);
      expect(table.live.missing.size).toBe(0);
      table.live.retry(n * 1_000);
      expect(table.live.missing.size).toBe(1);
    }
    expect(failures).toEqual([1, 2, 3]);
    table.unwant(['a']);
    table.want(['a']);
    expect(table.live.hasFailed(['a'])).toBe(false);
  });

  it('half of what is not wanted any more makes it stale', () => {
    const { table } = live('a', 'b', 'c');
    table.unwant(['a']);
    expect(table.live.isStale).toBe(false);
    table.unwant(['b']);
    expect(table.live.isStale).toBe(true);
  });
});

describe('the catch-up side of the table (docs/sync.md §5)', () => {
  it('gives layer 1 first, and history that we never had before the rest', () => {
    const { table, subscription } = live(pubkey(1));
    table.catchup.done(begin(table, 'start'));
    table.live.lost(subscription, false);
    table.want([pubkey(2), '30617:a:b', announcementsTopic]);
    const more = subscriptionTo(pubkey(1), pubkey(2), '30617:a:b', announcementsTopic);
    table.live.opened(more);
    table.live.confirmed(more, 1);
    const layers: Layer[] = [];
    for (let next = table.catchup.next('start'); next?.type === 'due'; next = table.catchup.next('start')) {
      layers.push(next.layer);
      table.catchup.began(next, [...next.topics], times(1_000));
    }
    expect(layers).toEqual(['announcements', 'repository', 'root']);
    expect([...(table.catchup.next('reconnect') as { topics: Iterable<Topic> }).topics]).toEqual([pubkey(1)]);
  });

  it('a topic is due once; a reconnect asks for no more than start or daily will', () => {
    const { table, subscription } = live('a');
    table.live.lost(subscription, false);
    expect(catchupTriggers.map((each) => table.catchup.isOver(each))).toEqual([false, true, true]);
    table.dayBegins(['a']);
    // What we never had is not made to wait as the daily run does.
    expect(catchupTriggers.map((each) => table.catchup.isOver(each))).toEqual([false, true, true]);
    expect(table.catchup.dueTopics).toBe(1);
  });

  it('waits until the live subscription of a topic stands (docs/sync.md §4)', () => {
    const table = new TopicTable();
    table.dayBegins(['a']);
    table.connected(['a']);
    expect(table.catchup.isOver('daily')).toBe(false);
    expect(table.catchup.next('daily')).toBeUndefined();
    const subscription = subscriptionTo('a');
    table.live.opened(subscription);
    expect(table.catchup.next('daily')).toBeUndefined();
    table.live.confirmed(subscription, 1);
    expect(table.catchup.next('start')).toBeDefined();
  });

  it('goes on with an interrupted batch before others, but lets others pass one that failed', () => {
    const { table } = live(pubkey(1), pubkey(2), pubkey(3));
    const due = table.catchup.next('start') as { trigger: 'start'; layer: 'root' };
    const [failed, waiting] = [1, 2].map((n) => table.catchup.began(due, [pubkey(n)], times(1_000)));
    (failed as CatchupBatch).failures = 1;
    table.catchup.interrupted(failed as CatchupBatch);
    expect(table.catchup.next('start')).toMatchObject({ type: 'due' });
    table.catchup.interrupted(waiting as CatchupBatch);
    expect(table.catchup.next('start')).toEqual({ type: 'interrupted', batch: waiting });
    expect(table.catchup.isOver('start')).toBe(false);
  });

  it('an interrupted batch after a reconnect does not stand for the daily one, nor for the start', () => {
    const { table, subscription } = live('a', 'b');
    table.catchup.done(begin(table, 'start'));
    table.live.lost(subscription, false);
    const batch = begin(table, 'reconnect', 10 * day);
    expect(batch.since).toBe(1_000);
    table.catchup.interrupted(batch);
    table.live.opened(subscription);
    table.live.confirmed(subscription, 1);
    expect(table.catchup.dueTopics).toBe(2);
    table.dayBegins(['b']);
    expect(table.catchup.isOver('daily')).toBe(false);
    table.unwant(['a']);
    table.want(['a']);
    expect(table.catchup.isOver('start')).toBe(false);
  });

  it('an interrupted batch that asks for everything stands for every other', () => {
    const { table, subscription } = live('a');
    table.catchup.interrupted(begin(table, 'start'));
    table.dayBegins(['a']);
    table.live.lost(subscription, false);
    expect(table.catchup.dueTopics).toBe(1);
  });

  it('what was not wanted for a while is not done by a batch that was begun before', () => {
    const { table } = live('a', 'b');
    const batch = begin(table, 'start');
    table.unwant(['a']);
    table.want(['a']);
    table.catchup.done(batch);
    expect(table.oldestDoneAt(['b'])).toBe(1_000);
    expect(table.oldestDoneAt(['a'])).toBeUndefined();
    expect(table.catchup.isOver('start')).toBe(false);
  });

  it('a batch ends when nothing of it is wanted any more', () => {
    const { table } = live('a', 'b');
    const batch = begin(table, 'start');
    expect(table.unwant(['a'])).toEqual([]);
    expect(table.unwant(['b'])).toEqual([batch]);
    table.catchup.interrupted(batch);
    expect(table.catchup.dueTopics).toBe(0);
  });

  it('what was begun on an earlier connection is due again when it is done', () => {
    const { table, subscription } = live('a');
    const batch = begin(table, 'start');
    table.disconnected();
    table.connected(['a']);
    table.live.opened(subscription);
    table.live.confirmed(subscription, 1_001);
    table.catchup.resumed(batch);
    table.catchup.done(batch);
    expect(table.oldestDoneAt(['a'])).toBe(1_000);
    expect(table.catchup.isOver('reconnect')).toBe(false);
  });

  it('a subscription lost during the first batch makes due only what came since that began', () => {
    const { table, subscription } = live('a');
    const first = begin(table, 'start', 10 * day);
    table.live.lost(subscription, false);
    expect(table.catchup.dueTopics).toBe(0);
    table.live.opened(subscription);
    table.live.confirmed(subscription, 10 * day + 5);
    expect(table.catchup.dueTopics).toBe(0);
    table.catchup.done(first);
    expect(table.catchup.isOver('start')).toBe(true);
    expect(begin(table, 'reconnect', 20 * day).since).toBe(10 * day);
  });

  it('so does one that is lost while the batch waits to go on: it may have looked past what came meanwhile', () => {
    for (const trigger of ['start', 'daily'] as const) {
      const { table, subscription } = live('a');
      if (trigger === 'daily') {
        table.catchup.done(begin(table, 'start'));
        table.dayBegins(['a']);
      }
      const batch = begin(table, trigger, 10 * day);
      table.catchup.interrupted(batch);
      table.live.lost(subscription, false);
      table.live.opened(subscription);
      table.live.confirmed(subscription, 10 * day + 5);
      table.catchup.resumed(batch);
      table.catchup.done(batch);
      expect(begin(table, 'reconnect', 20 * day).since).toBe(10 * day);
      expect(table.catchup.dueTopics).toBe(0);
    }
  });

  it('what came since a batch that is given up is due where the history is there, else waits with that', () => {
    const { table, subscription } = live('a');
    const first = begin(table, 'start');
    table.live.lost(subscription, false);
    table.catchup.gaveUp(first);
    expect(table.catchup.dueTopics).toBe(0);
    table.live.opened(subscription);
    table.live.confirmed(subscription, 1_005);
    table.catchup.done(begin(table, 'start', 2_000));
    table.dayBegins(['a']);
    const again = begin(table, 'daily', 10 * day);
    table.live.lost(subscription, false);
    table.catchup.gaveUp(again);
    expect(begin(table, 'reconnect', 20 * day).since).toBe(2_000);
  });

  it('is complete only when every topic is, as of the oldest', () => {
    const { table } = live('a', 'b', 'c');
    const due = table.catchup.next('start') as { trigger: 'start'; layer: 'repository' };
    table.catchup.done(table.catchup.began(due, ['a'], times(10)));
    table.catchup.done(table.catchup.began(due, ['b'], times(5)));
    expect(table.oldestDoneAt(['a', 'b'])).toBe(5);
    expect(table.oldestDoneAt(['a', 'c'])).toBeUndefined();
  });

  it('topics to which the same happened share what is known of them', () => {
    const topics = Array.from({ length: 1_000 }, (_, n) => `30617:a:${n}`);
    const { table } = live(...topics);
    table.catchup.done(begin(table, 'start'));
    table.disconnected();
    expect(new Set(topics.map((topic) => table.stateOf(topic))).size).toBe(1);
  });
});

/** A table, and what is known of it from outside. */
class Model {
  readonly table = new TopicTable();
  readonly wanted = new Set<Topic>();
  isConnected = true;
  now = 1_000;
  readonly open: SubscriptionContent[] = [];
  readonly running: CatchupBatch[] = [];
  /** Batches that were given up, for their topics: nothing more is asked about these on this connection, or this day. */
  readonly givenUp = new Set<Topic>();
  /** Since when each topic has been wanted without a break. */
  readonly wantedSince = new Map<Topic, number>();
  readonly doneBefore = new Map<Topic, number>();
  /** When each topic was last not told of live. */
  readonly gapAt = new Map<Topic, number>();

  /** On a connection, with everything wanted. */
  constructor() {
    for (const topic of pool) {
      this.wanted.add(topic);
      this.wantedSince.set(topic, this.now);
    }
    this.table.connected(pool);
  }
}

const pool: readonly Topic[] = [announcementsTopic, '30617:a:1', pubkey(1), pubkey(2)];
const some = fc.subarray([...pool], { minLength: 1 });
const pick = fc.nat(20);

type Step = (model: Model) => void;

function oneOf<T>(items: readonly T[], number: number): T | undefined {
  return items[number % Math.max(1, items.length)];
}

function take<T>(items: T[], number: number): T | undefined {
  return items.splice(number % Math.max(1, items.length), 1)[0];
}

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: some.map((topics) => (model: Model) => {
      for (const topic of topics) {
        if (!model.wanted.has(topic)) model.wantedSince.set(topic, model.now);
        model.wanted.add(topic);
      }
      model.table.want(topics);
    }),
  },
  {
    weight: 2,
    arbitrary: some.map((topics) => (model: Model) => {
      for (const topic of topics) {
        model.wanted.delete(topic);
        model.givenUp.delete(topic);
        model.doneBefore.delete(topic);
      }
      model.table.unwant(topics);
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constant((model: Model) => {
      if (model.isConnected) {
        model.table.disconnected();
        model.open.length = 0;
        model.running.length = 0;
        model.givenUp.clear();
      } else model.table.connected(model.wanted);
      model.isConnected = !model.isConnected;
    }),
  },
  {
    weight: 2,
    arbitrary: some.map((topics) => (model: Model) => {
      if (!model.isConnected) return;
      const subscription = subscriptionTo(...topics.filter((topic) => model.wanted.has(topic)));
      model.open.push(subscription);
      model.table.live.opened(subscription);
    }),
  },
  {
    weight: 4,
    arbitrary: fc.constant((model: Model) => {
      if (!model.isConnected) return;
      const subscription = subscriptionTo(...model.table.live.missing);
      model.open.push(subscription);
      model.table.live.opened(subscription);
      model.table.live.confirmed(subscription, model.now);
    }),
  },
  {
    weight: 2,
    arbitrary: pick.map((number) => (model: Model) => {
      const subscription = oneOf(model.open, number);
      if (subscription !== undefined) model.table.live.confirmed(subscription, model.now);
    }),
  },
  {
    weight: 1,
    arbitrary: pick.map((number) => (model: Model) => {
      const subscription = take(model.open, number);
      if (subscription !== undefined) model.table.live.closed(subscription);
    }),
  },
  {
    weight: 1,
    arbitrary: pick.map((number) => (model: Model) => {
      const subscription = take(model.open, number);
      if (subscription === undefined) return;
      model.table.live.lost(subscription, false);
      if (number % 2 === 0) model.table.live.failedUntil(subscription.topics, (count) => model.now + count);
    }),
  },
  { weight: 1, arbitrary: fc.constant((model: Model) => model.table.live.retry(model.now)) },
  {
    weight: 1,
    arbitrary: some.map((topics) => (model: Model) => {
      if (model.isConnected) model.table.live.leftUncovered(topics);
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constant((model: Model) => {
      model.givenUp.clear();
      model.table.dayBegins(model.wanted);
    }),
  },
  {
    weight: 5,
    arbitrary: fc
      .tuple(fc.constantFrom(...catchupTriggers), fc.integer({ min: 1, max: 4 }))
      .map(([trigger, count]) => {
        return (model: Model) => {
          const next = model.isConnected ? model.table.catchup.next(trigger) : undefined;
          if (next?.type === 'interrupted') {
            model.table.catchup.resumed(next.batch);
            model.running.push(next.batch);
          } else if (next !== undefined) {
            const topics = [...next.topics].slice(0, count);
            for (const topic of topics) {
              expect(layerOf(topic)).toBe(next.layer);
              expect(model.table.stateOf(topic)?.due).toBe(trigger);
            }
            model.running.push(model.table.catchup.began(next, topics, times(model.now)));
          }
        };
      }),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(pick, fc.constantFrom('done', 'interrupted', 'gave up')).map(([number, how]) => {
      return (model: Model) => {
        const batch = take(model.running, number);
        if (batch === undefined) return;
        if (how === 'interrupted') model.table.catchup.interrupted(batch);
        if (how === 'done') model.table.catchup.done(batch);
        if (how !== 'gave up') return;
        model.table.catchup.gaveUp(batch);
        for (const topic of batch.topics) model.givenUp.add(topic);
      };
    }),
  },
);

function check(model: Model): void {
  const { table, now, wanted, wantedSince, isConnected, running, givenUp, doneBefore, gapAt } = model;
  const { live, catchup } = table;
  let due = 0;
  for (const topic of pool) {
    const state = table.stateOf(topic);
    if (state?.due !== undefined) due += 1;
    // 1
    if (isConnected && wanted.has(topic)) {
      expect(['missing', 'opening', 'live', 'uncovered', 'retrying']).toContain(state?.live.type);
      expect(live.missing.has(topic)).toBe(state?.live.type === 'missing');
      expect(live.uncovered.has(topic)).toBe(state?.live.type === 'uncovered');
      if (state?.live.type === 'live' || state?.live.type === 'uncovered')
        expect(state.mayCatchUp).toBe(true);
      if (state?.live.type === 'retrying') expect(live.nextRetryAt).toBeLessThanOrEqual(state.live.at);
    }
    // 2
    if (wanted.has(topic) && state?.mayCatchUp === true && state.doneAt === undefined && !givenUp.has(topic))
      expect(state.due !== undefined || state.batches.length > 0).toBe(true);
    // 4
    if (state?.doneAt !== undefined)
      expect(state.doneAt).toBeGreaterThanOrEqual(wantedSince.get(topic) as number);
    // 5
    if (doneBefore.has(topic)) expect(state?.doneAt).toBeDefined();
    if (state?.doneAt !== undefined) doneBefore.set(topic, state.doneAt);
    if (!isConnected && state !== undefined) {
      expect(state).toMatchObject({ live: { type: 'offline' }, failures: 0, mayCatchUp: false });
    }
    // 6
    if (state === undefined || !stands(state)) gapAt.set(topic, now);
    else if (wanted.has(topic) && !givenUp.has(topic)) {
      const gap = gapAt.get(topic) ?? 0;
      const isCovered = (at: number | undefined) => at !== undefined && at > gap;
      expect(
        isCovered(state.doneAt) ||
          state.due !== undefined ||
          state.batches.some(({ startedAt }) => isCovered(startedAt)) ||
          (state.mayHaveMissed && state.batches.length > 0),
      ).toBe(true);
    }
    if (state?.mayHaveMissed === true) expect(state.batches.length).toBeGreaterThan(0);
    // 7
    if (!wanted.has(topic) && state !== undefined) {
      expect(isWanted(state)).toBe(false);
      expect(state).toMatchObject({ due: undefined, batches: [], openedAt: undefined, doneAt: undefined });
    }
  }
  // 3: what is due is counted, and found, once; and no batch is lost.
  const batches = new Set(pool.flatMap((topic) => table.stateOf(topic)?.batches ?? []));
  const interrupted = [...batches].filter((batch) => !running.includes(batch));
  expect(catchup.dueTopics).toBe(interrupted.reduce((sum, { topics }) => sum + topics.length, due));
  expect(catchup.running).toEqual(new Set(running));
  for (const trigger of catchupTriggers) {
    const next = catchup.next(trigger);
    if (next?.type === 'due') for (const topic of next.topics) expect(wanted.has(topic)).toBe(true);
    if (next !== undefined) expect(catchup.isOver(trigger)).toBe(false);
  }
}

it('the numbered rules of the table hold whatever happens, in any order', () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 60, size: 'max' }), (taken) => {
      const model = new Model();
      for (const step of taken) {
        step(model);
        model.now += 1;
        check(model);
      }
    }),
    { numRuns: 150 },
  );
});

it('whatever happened, everything is done in the end, and live, once nothing more goes wrong', () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 60, size: 'max' }), (taken) => {
      const model = new Model();
      for (const step of taken) step(model);
      const { table } = model;
      if (model.isConnected) table.disconnected();
      table.connected(model.wanted);
      const subscription = subscriptionTo(...table.live.missing);
      table.live.opened(subscription);
      table.live.confirmed(subscription, model.now);
      const first = () => {
        const found = catchupTriggers.map((trigger) => table.catchup.next(trigger));
        return found.find((next) => next !== undefined);
      };
      for (let next = first(); next !== undefined; next = first()) {
        if (next.type === 'interrupted') table.catchup.resumed(next.batch);
        const batch =
          next.type === 'interrupted'
            ? next.batch
            : table.catchup.began(next, [...next.topics], times(model.now));
        table.catchup.done(batch);
      }
      for (const topic of model.wanted) {
        expect(table.stateOf(topic)).toMatchObject({ live: { type: 'live' }, due: undefined, batches: [] });
        expect(table.stateOf(topic)?.doneAt).toBeDefined();
      }
      expect(table.catchup.dueTopics).toBe(0);
    }),
    { numRuns: 150 },
  );
});
