import { describe, expect, it } from 'vitest';
import { Fifo } from '../../src/lib/collections/fifo.js';
import { PartyFifo } from '../../src/lib/collections/party-fifo.js';
import { SlicedQueue } from '../../src/lib/turns/sliced-queue.js';
import { collectGarbage } from '../relay/fakes.js';

describe('Fifo', () => {
  it('gives back what came first, however much goes through it', () => {
    const fifo = new Fifo<number>();
    let next = 0;
    for (let number = 0; number < 10_000; number += 1) {
      fifo.push(number);
      if (number % 3 === 0) continue;
      expect(fifo.shift()).toBe(next);
      next += 1;
    }
    expect(fifo.length).toBe(10_000 - next);
    expect(fifo.clear()).toEqual(Array.from({ length: 10_000 - next }, (_, at) => next + at));
    expect(fifo.shift()).toBeUndefined();
  });

  it('lets go of what has gone, also when it is never empty', async () => {
    const fifo = new Fifo<object>();
    const gone = new WeakRef(pushed(fifo));
    fifo.push({});
    fifo.shift();
    await nextTurn();
    collectGarbage();
    expect(gone.deref()).toBeUndefined();
    expect(fifo.length).toBe(1);
  });
});

describe('PartyFifo', () => {
  it('gives each party its turn, and what came first of a party before the rest of it', () => {
    const queue = new PartyFifo<string>((item) => item[0]);
    for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'b2']) queue.push(item);
    expect(Array.from({ length: 3 }, () => queue.shift())).toEqual(['a1', 'b1', 'c1']);
    queue.push('c2');
    expect(queue.length).toBe(4);
    expect(Array.from({ length: 5 }, () => queue.shift())).toEqual(['a2', 'b2', 'c2', 'a3', undefined]);
    for (const item of ['a4', 'b3', 'a5']) queue.push(item);
    expect(queue.clear()).toEqual(['a4', 'a5', 'b3']);
    expect([queue.length, queue.shift()]).toEqual([0, undefined]);
  });
});

describe('SlicedQueue', () => {
  it('lets go of what is done, also when something always waits', async () => {
    let isOver = false;
    const turns: (() => void)[] = [];
    const queue = new SlicedQueue({
      get isOver() {
        return isOver;
      },
      next: () => new Promise((resolve) => turns.push(resolve)),
      spend() {},
    });
    const held = heldBy(queue);
    isOver = true;
    queue.push(() => {});
    queue.push(() => {});
    isOver = false;
    turns.shift()?.();
    await nextTurn();
    collectGarbage();
    expect(held.deref()).toBeUndefined();
  });
});

/** A `WeakRef` holds what it was made for until the running turn is over. */
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** In a function of its own, whose frame is gone when the garbage is collected. */
function pushed(fifo: Fifo<object>): object {
  const item = {};
  fifo.push(item);
  return item;
}

function heldBy(queue: SlicedQueue): WeakRef<object> {
  const held = { used: false };
  queue.push(() => {
    held.used = true;
  });
  return new WeakRef(held);
}
