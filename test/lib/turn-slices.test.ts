import { beforeEach, describe, expect, it } from 'vitest';
import { SlicedQueue } from '../../src/lib/turns/sliced-queue.js';
import { TurnSlices } from '../../src/lib/turns/turn-slices.js';
import { settle } from '../support/virtual-clock.js';

let nowMs: number;
let turns: (() => void)[];
let slices: TurnSlices;

beforeEach(() => {
  nowMs = 0;
  turns = [];
  const limits = { turnMs: 12, sliceMsMin: 2, sliceMsMax: 6 };
  slices = new TurnSlices({ monotonic: () => nowMs }, limits, (task) => turns.push(task));
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

describe('TurnSlices', () => {
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

describe('SlicedQueue', () => {
  it('works in order, at once while the slice lasts, and tells when all is done', async () => {
    const done: number[] = [];
    const queue = new SlicedQueue<number>(slices, (item) => {
      done.push(item);
      nowMs += 4;
    });
    for (const item of [1, 2, 3]) queue.push(item);
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
    queue.push(4);
    await turn();
    await queue.drained();
    expect(done).toEqual([1, 2, 3, 4]);
  });
});
