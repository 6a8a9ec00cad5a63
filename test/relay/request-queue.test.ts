import { describe, expect, it } from 'vitest';
import { fixedSlice, TurnScheduler } from '../../src/lib/turns/turn-scheduler.js';
import { RequestQueue } from '../../src/relay/client/request-queue.js';
import { fixedRelaySettings } from '../../src/relay/settings.js';
import { WorkBudget } from '../../src/relay/work-budget.js';
import { VirtualClock } from '../support/virtual-clock.js';

describe('RequestQueue', () => {
  it('of a client that used up its budget waits only while others have work to be done', () => {
    const clock = { monotonic: () => 0, sleep: async () => {} };
    const turns: (() => void)[] = [];
    const scheduler = new TurnScheduler(clock, fixedSlice(5), (task) => turns.push(task));
    const budget = new WorkBudget(clock, { workUnitsPerSecond: 1, workUnitsMax: 1 });
    const room = { full: false, waitForCapacity: async () => {} };
    const requests = new RequestQueue(
      scheduler,
      fixedRelaySettings,
      budget,
      room,
      () => {},
      () => {},
    );
    requests.spend(1);
    expect([requests.isOverBudget, requests.shouldWait]).toEqual([true, false]);
    requests.push({ chars: 0, run: () => {} });
    expect(requests.shouldWait).toBe(false);
    scheduler.schedule({ isReady: false, isOverBudget: false, step: () => 'done' });
    expect(requests.shouldWait).toBe(true);
    for (const turn of turns.splice(0)) turn();
    expect(requests.shouldWait).toBe(false);
  });
});

describe('WorkBudget', () => {
  const limits = { workUnitsPerSecond: 100, workUnitsMax: 200 };

  it('lets a client do some work at once, and so much a second', async () => {
    const clock = new VirtualClock();
    const budget = new WorkBudget(clock, limits);
    budget.spend(199);
    expect(budget.isSpent).toBe(false);
    budget.spend(1);
    expect(budget.isSpent).toBe(true);
    await clock.advance(1_000);
    budget.spend(99);
    expect(budget.isSpent).toBe(false);
    await clock.advance(60_000);
    budget.spend(200);
    expect(budget.isSpent).toBe(true);
  });

  it('tells when there is some again', async () => {
    const clock = new VirtualClock();
    const budget = new WorkBudget(clock, limits);
    const { signal } = new AbortController();
    await budget.refilled(signal);
    budget.spend(250);
    let isRefilled = false;
    void budget.refilled(signal).then(() => {
      isRefilled = true;
    });
    await clock.advance(500);
    expect([isRefilled, budget.isSpent]).toEqual([false, true]);
    await clock.advance(10);
    expect([isRefilled, budget.isSpent]).toEqual([true, false]);
  });

  it('forgets what a client did beyond that while nobody else asked', async () => {
    const clock = new VirtualClock();
    const budget = new WorkBudget(clock, limits);
    budget.spend(1_000_000);
    await clock.advance(2_000);
    expect(budget.isSpent).toBe(true);
    await clock.advance(100);
    expect(budget.isSpent).toBe(false);
  });
});
