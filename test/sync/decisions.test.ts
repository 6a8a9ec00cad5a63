import { describe, expect, it } from 'vitest';
import { MemoryBudget } from '../../src/lib/budgets/memory-budget.js';
import { isGap } from '../../src/sync/catchup/gaps.js';
import { canTry, learn } from '../../src/sync/catchup/negentropy-probe.js';
import { fullPace, nextPace } from '../../src/sync/catchup/pace.js';
import { InFlightIds } from '../../src/sync/fetch/in-flight.js';
import { UnservedIds } from '../../src/sync/fetch/unserved.js';
import { heldIdBytes } from '../../src/sync/held-memory.js';
import { nextDueMs } from '../../src/sync/relay/daily-schedule.js';
import { batchSince } from '../../src/sync/topics/catchup-topics.js';
import { announcementsTopic } from '../../src/sync/topics/layers.js';
import { TopicTable } from '../../src/sync/topics/topic-table.js';
import { roomyMemory } from '../support/roomy-memory.js';
import { announcement, event, pubkey } from './support/events.js';

const day = 86_400_000;
const minute = 60_000;

describe('what a relay cannot do is remembered and retried daily (docs/sync.md §5)', () => {
  it('one that never did negentropy is not asked again for a day', () => {
    const unable = learn({ type: 'untried' }, 'rejected', 1_000, day);
    expect(canTry(unable, 1_000 + day - 1)).toBe(false);
    expect(canTry(unable, 1_000 + day)).toBe(true);
  });

  it('one that did is given up after three sessions in a row broke', () => {
    let capability = learn({ type: 'untried' }, 'reconciled', 0, day);
    capability = learn(capability, 'broken', 0, day);
    capability = learn(capability, 'reconciled', 0, day);
    for (let breaks = 0; breaks < 3; breaks += 1) {
      expect(canTry(capability, 0)).toBe(true);
      capability = learn(capability, 'broken', 0, day);
    }
    expect(canTry(capability, 0)).toBe(false);
  });

  it('"too many" condemns nothing', () => {
    expect(learn({ type: 'untried' }, 'too-many', 0, day).type).toBe('works');
  });
});

describe('triggers (docs/sync.md §5)', () => {
  const now = 1_000_000_000;
  const lookback = 3 * 86_400;

  it('start and daily ask for everything', () => {
    expect(batchSince('start', now - 5, now, lookback)).toBe(0);
    expect(batchSince('daily', now - 5, now, lookback)).toBe(0);
  });

  it('a reconnect asks for the last 3 days', () => {
    expect(batchSince('reconnect', now - 60, now, lookback)).toBe(now - lookback);
  });

  it('or since the last complete catch-up, if that is longer ago', () => {
    expect(batchSince('reconnect', now - 10 * 86_400, now, lookback)).toBe(now - 10 * 86_400);
  });

  it('daily: every 24 h at a steady time, 5 min between relays, not before a day has passed', () => {
    expect(nextDueMs(0, 0, day, 5 * minute)).toBe(day);
    expect(nextDueMs(0, 1, day, 5 * minute)).toBe(day + 5 * minute);
    expect(nextDueMs(day + 1, 0, day, 5 * minute)).toBe(2 * day);
    expect(nextDueMs(day + 5 * minute, 1, day, 5 * minute)).toBe(2 * day + 5 * minute);
    expect(nextDueMs(3 * day - 1, 2, day, 5 * minute)).toBe(3 * day + 10 * minute);
    expect(nextDueMs(0, 288, day, 5 * minute)).toBe(day);
  });
});

describe('pace (docs/sync.md §5): closed loop', () => {
  it('goes on at once while all is well, slower under strain, and recovers', () => {
    expect(nextPace(fullPace, { overloaded: false, msPerRequest: 50 })).toEqual(fullPace);
    let pace = fullPace;
    const waits: number[] = [];
    for (let turn = 0; turn < 9; turn += 1) {
      pace = nextPace(pace, { overloaded: true, msPerRequest: 50 });
      waits.push(pace.waitMs / 1_000);
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
    for (let turn = 0; turn < 9; turn += 1) pace = nextPace(pace, { overloaded: false, msPerRequest: 50 });
    expect(pace).toEqual(fullPace);
  });

  it('takes slow answers for strain', () => {
    expect(nextPace(fullPace, { overloaded: false, msPerRequest: 20_000 }).waitMs).toBeGreaterThan(0);
  });
});

describe('gaps (docs/sync.md §7)', () => {
  const now = 1_000;
  const repository = announcement('repo', []);
  const address = `30617:${repository.pubkey}:repo`;
  const openedAt = (topic: string, at: number) => ({
    stateOf: (each: string) => (each === topic ? { openedAt: at } : undefined),
  });

  it('is an event that is younger than the first live subscription to a filter that matches it', () => {
    const topics = openedAt(address, 500);
    const at = (created_at: number) => event({ created_at, tags: [['a', address]] });
    expect(isGap(at(501), 'repository', topics, now)).toBe(true);
    expect(isGap(at(500), 'repository', topics, now)).toBe(false);
  });

  it('only the first live subscription counts, over connections', () => {
    const table = new TopicTable();
    for (const at of [500, 900]) {
      table.connected([address]);
      const subscription = { topics: [address], filters: [] };
      table.live.opened(subscription);
      table.live.confirmed(subscription, at);
      table.disconnected();
    }
    expect(table.stateOf(address)?.openedAt).toBe(500);
  });

  it('first-time history is no gap, nor is an event of the future', () => {
    const root = event({ created_at: 600, tags: [['e', pubkey(1)]] });
    expect(isGap(root, 'root', openedAt(address, 500), now)).toBe(false);
    expect(isGap(root, 'root', openedAt(pubkey(1), 500), now)).toBe(true);
    expect(isGap({ ...root, created_at: 2_000 }, 'root', openedAt(pubkey(1), 500), now)).toBe(false);
  });

  it('layer 1 is one filter', () => {
    const topics = openedAt(announcementsTopic, 500);
    expect(isGap({ ...repository, created_at: 600 }, 'announcements', topics, now)).toBe(true);
  });
});

describe('ids in flight', () => {
  it('an id is asked of one relay at a time, and those who wait are told when it ended', () => {
    const inFlight = new InFlightIds();
    const told: string[] = [];
    expect(inFlight.claim('x', 'wss://a')).toBe(true);
    expect(inFlight.claim('x', 'wss://b')).toBe(false);
    inFlight.whenReleased('x', () => told.push('b'));
    expect(told).toEqual([]);
    inFlight.release('x', 'wss://a');
    expect(told).toEqual(['b']);
    expect(inFlight.size).toBe(0);
  });
});

describe('unserved ids', () => {
  it('are bounded: the oldest give way', () => {
    const ids = new UnservedIds(2, () => roomyMemory());
    for (const id of ['a', 'b', 'c']) ids.add(id);
    expect([ids.has('a'), ids.has('b'), ids.has('c'), ids.size]).toEqual([false, true, true, 2]);
  });

  it('of all relays are bounded together: those of the relay that has most are forgotten for others', () => {
    const shares = {
      totalBytes: 10 * heldIdBytes,
      groupBytes: 6 * heldIdBytes,
      holderBytes: 5 * heldIdBytes,
    };
    const budget = new MemoryBudget(shares);
    const idsOf = (host: string) => new UnservedIds(100, (forget) => budget.holder(host, forget));
    const [first, second, third] = [idsOf('a'), idsOf('a'), idsOf('b')];
    const add = (ids: UnservedIds, count: number) => {
      for (let number = 0; number < count; number += 1) ids.add(`${number}`);
    };
    add(first, 7);
    expect([first.size, first.has('6'), first.has('1')]).toEqual([5, true, false]);
    add(second, 2);
    expect([first.size, second.size]).toEqual([0, 2]);
    add(first, 2);
    add(third, 5);
    expect([first.size, second.size, third.size]).toEqual([2, 2, 5]);
    for (const ids of [first, second, third]) ids[Symbol.dispose]();
    expect(budget.bytes).toBe(0);
  });
});
