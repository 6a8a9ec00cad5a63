import { beforeEach, describe, expect, it } from 'vitest';
import { SlicedQueue } from '../../src/lib/turns/sliced-queue.js';
import { fixedSlice, type Runnable, TurnScheduler } from '../../src/lib/turns/turn-scheduler.js';
import { settle } from '../support/virtual-clock.js';

let nowMs: number;
let turns: (() => void)[];
let slices: TurnScheduler;

beforeEach(() => {
  nowMs = 0;
  turns = [];
  const limits = { turnMs: 12, sliceMsMin: 2, sliceMsMax: 6 };
  slices = new TurnScheduler({ monotonic: () => nowMs }, limits, (task) => turns.push(task));
});

async function turn(): Promise<void> {
  turns.shift()?.();
  await settle();
}

/** Works a millisecond a piece until `pieces` are done; gives the times at which it worked. */
async function work(pieces: number, log: string[], name: string): Promise<void> {
  for (let piece = 0; piece < pieces; piece += 1) {
    if (slices.isOver) await slices.next();
    log.push(name);
    nowMs += 1;
  }
}

describe('the slice of a TurnScheduler', () => {
  it('ends after its time and begins anew in the next turn', async () => {
    const log: string[] = [];
    const done = work(8, log, 'a');
    expect(log).toHaveLength(6);
    await turn();
    await done;
    expect(log).toHaveLength(8);
  });

  it('is one for all who work, and they take turns', async () => {
    const log: string[] = [];
    const all = [work(10, log, 'a'), work(10, log, 'b')];
    expect(log.join('')).toBe('aaaaaa');
    await turn();
    expect(log.join('')).toBe('aaaaaaaaaa');
    await turn();
    expect(log.join('')).toBe('aaaaaaaaaabbbbbb');
    await turn();
    expect(log.join('')).toBe('aaaaaaaaaabbbbbbbbbb');
    await Promise.all(all);
  });

  it('shrinks when everything else makes the turns long, and grows again', async () => {
    const log: string[] = [];
    void work(100, log, 'a');
    await turn();
    log.length = 0;
    nowMs += 9;
    await turn();
    expect(log).toHaveLength(3);
    log.length = 0;
    nowMs += 100;
    await turn();
    expect(log).toHaveLength(2);
    log.length = 0;
    await turn();
    expect(log).toHaveLength(6);
  });

  it('schedules nothing when nobody works', async () => {
    expect(slices.isOver).toBe(false);
    await turn();
    expect(turns).toEqual([]);
  });
});

type RunnableOptions = {
  readonly group?: string;
  readonly isOverBudget?: boolean;
  readonly goesOn?: boolean;
  readonly throws?: boolean;
};

/** Runnables whose pieces are noted by name, and turns that are taken by hand. */
function world() {
  const clock = { nowMs: 0, monotonic: () => clock.nowMs };
  const turns: (() => void)[] = [];
  const log: string[] = [];
  const scheduler = new TurnScheduler(
    clock,
    fixedSlice(5),
    (task) => turns.push(task),
    (error) => log.push(`${error}`),
  );
  const work = (name: string, pieces: number, options: RunnableOptions = {}): Runnable => {
    let left = pieces;
    const made: Runnable = {
      group: options.group,
      get isReady() {
        return left > 0;
      },
      isOverBudget: options.isOverBudget ?? false,
      step() {
        left -= 1;
        log.push(name);
        if (options.throws) throw new Error(name);
        return options.goesOn ? 'goes-on' : 'done';
      },
    };
    scheduler.schedule(made);
    return made;
  };
  /** Takes one turn and gives the pieces that were done in it. */
  const turn = () => {
    log.length = 0;
    for (const task of turns.splice(0)) task();
    return log.join(' ');
  };
  return { clock, scheduler, work, turn };
}

describe('TurnScheduler', () => {
  it('does one piece of each runnable after the other', () => {
    const { work, turn } = world();
    work('a', 3);
    work('b', 2);
    expect(turn()).toBe('a b a b a');
    expect(turn()).toBe('');
  });

  it('gives a group the turns of one, which those in it take one after the other', () => {
    const { work, turn } = world();
    for (const name of ['a', 'b', 'c']) work(name, 2, { group: 'g' });
    work('x', 4);
    work('y', 3);
    expect(turn()).toBe('a x y b x y c x y a x b c');
  });

  it('goes by the order of groups from turn to turn, however many are in one', () => {
    const { work, turn } = world();
    for (const name of ['a', 'b', 'c']) work(name, 2, { group: 'g', goesOn: true });
    work('x', 3, { goesOn: true });
    expect(Array.from({ length: 9 }, turn).join(' ')).toBe('a x b x c x a b c');
  });

  it('passes those of a group that are over their budget', () => {
    const { scheduler, work, turn } = world();
    work('z', 2, { group: 'g', isOverBudget: true });
    work('a', 2, { group: 'g', goesOn: true });
    const gone = work('b', 1, { group: 'g' });
    work('x', 1);
    scheduler.remove(gone);
    expect([turn(), turn(), turn()]).toEqual(['a', 'x a', 'z z']);
  });

  it('gives the others their turns when one throws, and tells it', () => {
    const { work, turn } = world();
    work('a', 1, { throws: true });
    work('b', 2);
    expect(turn()).toBe('a Error: a b b');
  });

  it('ends the turn with a piece that goes on after it', () => {
    const { work, turn } = world();
    work('a', 2, { goesOn: true });
    work('b', 1);
    expect([turn(), turn(), turn()]).toEqual(['a', 'b a', '']);
  });

  it('ends the turn when its time is over, and goes on behind it', () => {
    const { clock, scheduler, work, turn } = world();
    const slow: Runnable = {
      isReady: false,
      isOverBudget: false,
      step: () => {
        clock.nowMs += 5;
        return 'done';
      },
    };
    work('a', 2);
    scheduler.schedule(slow);
    work('b', 1);
    expect([turn(), turn()]).toEqual(['a', 'b a']);
  });

  it('serves those over their budget when no other is ready', () => {
    const { work, turn } = world();
    work('z', 2, { isOverBudget: true });
    work('a', 2, { goesOn: true });
    work('b', 1);
    expect([turn(), turn(), turn(), turn()]).toEqual(['a', 'b a', 'z z', '']);
  });

  it('forgets what is removed', () => {
    const { scheduler, work, turn } = world();
    scheduler.remove(work('a', 1));
    work('b', 1);
    expect(turn()).toBe('b');
  });
});

describe('SlicedQueue', () => {
  it('works in order, at once while the slice lasts, and tells when all is done', async () => {
    const done: number[] = [];
    const queue = new SlicedQueue(slices);
    const push = (item: number) =>
      queue.push(() => {
        done.push(item);
        nowMs += 4;
      });
    for (const item of [1, 2, 3]) push(item);
    expect(done).toEqual([1, 2]);
    expect(queue.length).toBe(1);
    let isDrained = false;
    const drained = queue.drained().then(() => {
      isDrained = true;
    });
    await settle();
    expect(isDrained).toBe(false);
    await turn();
    expect(done).toEqual([1, 2, 3]);
    await drained;
    push(4);
    await turn();
    await queue.drained();
    expect(done).toEqual([1, 2, 3, 4]);
  });
});
