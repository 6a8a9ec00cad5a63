import { describe, expect, it } from 'vitest';
import { RequestLane } from '../../src/relay/client/request-lane.js';
import { fixedRelaySettings } from '../../src/relay/settings.js';
import { type Lane, TurnScheduler } from '../../src/relay/turn-scheduler.js';
import { WorkBudget } from '../../src/relay/work-budget.js';
import { VirtualClock } from '../support/virtual-clock.js';

type LaneOptions = { readonly late?: boolean; readonly goesOn?: boolean; readonly throws?: boolean };

/** Lanes whose pieces are noted by name, and turns that are taken by hand. */
function world(sliceMs = 5) {
  const clock = { nowMs: 0, monotonic: () => clock.nowMs };
  const turns: (() => void)[] = [];
  const log: string[] = [];
  const scheduler = new TurnScheduler(
    clock,
    sliceMs,
    (error) => log.push(`${error}`),
    (task) => turns.push(task),
  );
  const lane = (name: string, pieces: number, options: LaneOptions = {}): Lane => {
    let left = pieces;
    const made: Lane = {
      get isReady() {
        return left > 0;
      },
      isLate: options.late ?? false,
      step() {
        left -= 1;
        log.push(name);
        if (options.throws) throw new Error(name);
        return options.goesOn ? 'goes-on' : 'done';
      },
    };
    scheduler.announce(made);
    return made;
  };
  /** Takes one turn and gives the pieces that were done in it. */
  const turn = () => {
    log.length = 0;
    for (const task of turns.splice(0)) task();
    return log.join(' ');
  };
  return { clock, scheduler, lane, turn };
}

describe('TurnScheduler', () => {
  it('does one piece of each lane after the other', () => {
    const { lane, turn } = world();
    lane('a', 3);
    lane('b', 2);
    expect(turn()).toBe('a b a b a');
    expect(turn()).toBe('');
  });

  it('gives the others their turns when a lane throws, and tells it', () => {
    const { lane, turn } = world();
    lane('a', 1, { throws: true });
    lane('b', 2);
    expect(turn()).toBe('a Error: a b b');
  });

  it('ends the turn with a piece that goes on after it', () => {
    const { lane, turn } = world();
    lane('a', 2, { goesOn: true });
    lane('b', 1);
    expect([turn(), turn(), turn()]).toEqual(['a', 'b a', '']);
  });

  it('ends the turn when its time is over, and goes on behind it', () => {
    const { clock, scheduler, lane, turn } = world();
    const slow: Lane = {
      isReady: false,
      isLate: false,
      step: () => {
        clock.nowMs += 5;
        return 'done';
      },
    };
    lane('a', 2);
    scheduler.announce(slow);
    lane('b', 1);
    expect([turn(), turn()]).toEqual(['a', 'b a']);
  });

  it('serves lanes that are late when no other is ready', () => {
    const { lane, turn } = world();
    lane('late', 2, { late: true });
    lane('a', 2, { goesOn: true });
    lane('b', 1);
    expect([turn(), turn(), turn(), turn()]).toEqual(['a', 'b a', 'late late', '']);
  });

  it('forgets a lane', () => {
    const { scheduler, lane, turn } = world();
    scheduler.remove(lane('a', 1));
    lane('b', 1);
    expect(turn()).toBe('b');
  });
});

describe('RequestLane', () => {
  it('of a client that used up its budget waits only while others have work to be done', () => {
    const { clock, scheduler, lane, turn } = world();
    const budget = new WorkBudget(
      { ...clock, sleep: async () => {} },
      { workUnitsPerSecond: 1, workUnitsMax: 1 },
    );
    const room = { full: false, waitForCapacity: async () => {} };
    const requests = new RequestLane(
      scheduler,
      fixedRelaySettings,
      budget,
      room,
      () => {},
      () => {},
    );
    requests.spend(1);
    expect([requests.isLate, requests.shouldWait]).toEqual([true, false]);
    requests.push({ chars: 0, run: () => {} });
    expect(requests.shouldWait).toBe(false);
    lane('a', 1);
    expect(requests.shouldWait).toBe(true);
    turn();
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
