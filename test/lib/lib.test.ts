import { describe, expect, it } from 'vitest';
import { onAbort, TimeLimitError, withTimeLimit } from '../../src/lib/abort.js';
import { backoffMs } from '../../src/lib/backoff.js';
import { dataView } from '../../src/lib/bytes.js';
import { systemClock } from '../../src/lib/clock.js';
import { BoundedQueue, QueueClosedError } from '../../src/lib/collections/bounded-queue.js';
import { seededRandom } from '../../src/lib/random.js';

describe('BoundedQueue', () => {
  const queueOf = (bytesHigh: number, bytesLow: number, itemsMax = 100) =>
    new BoundedQueue<number>({ bytesHigh, bytesLow, itemsMax }, (bytes) => bytes);

  it('gives items in order and counts bytes', () => {
    const queue = queueOf(100, 50);
    for (const item of [1, 2, 3]) queue.push(item);
    expect([queue.length, queue.bytes]).toEqual([3, 6]);
    expect([queue.shift(), queue.shift(), queue.shift(), queue.shift()]).toEqual([1, 2, 3, undefined]);
    expect(queue.bytes).toBe(0);
  });

  it('is full from the high mark until it drained to the low mark', async () => {
    const queue = queueOf(10, 4);
    queue.push(6);
    expect(queue.full).toBe(false);
    queue.push(4);
    expect(queue.full).toBe(true);
    let waitForCapacity = false;
    const waiting = queue.waitForCapacity().then(() => {
      waitForCapacity = true;
    });
    queue.shift();
    await waiting;
    expect(waitForCapacity).toBe(true);
    expect(queue.full).toBe(false);
  });

  it('is full at its number of items too', () => {
    const queue = queueOf(1000, 500, 4);
    for (let n = 0; n < 4; n += 1) queue.push(1);
    expect(queue.full).toBe(true);
    queue.shift();
    queue.shift();
    expect(queue.full).toBe(false);
  });

  it('ends all waits when it is closed, and gives back what was left', async () => {
    const queue = queueOf(1, 0);
    queue.push(1);
    const waiting = queue.waitForCapacity();
    expect(queue.close()).toEqual([1]);
    await expect(waiting).rejects.toThrow(QueueClosedError);
    expect(() => queue.push(1)).toThrow(QueueClosedError);
  });

  it('keeps its order over many items', () => {
    const queue = queueOf(1e9, 1);
    let next = 0;
    for (let n = 0; n < 5000; n += 1) {
      queue.push(n);
      if (n % 2 === 1) expect(queue.shift()).toBe(next++);
    }
    while (queue.length > 0) expect(queue.shift()).toBe(next++);
    expect(next).toBe(5000);
  });
});

describe('withTimeLimit', () => {
  it('ends no process by work that fails when it is given up already', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    const before = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    process.on('unhandledRejection', note);
    try {
      const signal = AbortSignal.abort(new Error('over'));
      const work = Promise.reject(new Error('late'));
      await expect(withTimeLimit(systemClock, 'work', 1000, work, signal)).rejects.toThrow('over');
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.off('unhandledRejection', note);
      for (const listener of before) process.on('unhandledRejection', listener);
    }
    expect(unhandled).toEqual([]);
  });

  it('gives the result, the time limit, or the reason of the signal', async () => {
    const never = new Promise<number>(() => {});
    await expect(withTimeLimit(systemClock, 'work', 1000, Promise.resolve(5))).resolves.toBe(5);
    await expect(withTimeLimit(systemClock, 'work', 1, never)).rejects.toThrow(TimeLimitError);
    const controller = new AbortController();
    const waiting = withTimeLimit(systemClock, 'work', 1000, never, controller.signal);
    controller.abort(new Error('stopped'));
    await expect(waiting).rejects.toThrow('stopped');
    await expect(withTimeLimit(systemClock, 'work', 1000, never, controller.signal)).rejects.toThrow(
      'stopped',
    );
  });
});

describe('onAbort', () => {
  it('calls back once with the reason, at once where the signal has aborted, and not when it was taken back', () => {
    const controller = new AbortController();
    const told: unknown[] = [];
    onAbort(controller.signal, (reason) => told.push(['kept', reason]));
    onAbort(controller.signal, (reason) => told.push(['taken back', reason]))[Symbol.dispose]();
    expect(told).toEqual([]);
    controller.abort('stop');
    onAbort(controller.signal, (reason) => told.push(['late', reason]));
    expect(told).toEqual([
      ['kept', 'stop'],
      ['late', 'stop'],
    ]);
  });
});

describe('small parts', () => {
  it('backoff doubles up to its cap', () => {
    expect([0, 1, 2, 9, 10, 1000].map((attempt) => backoffMs(attempt, 5000, 3_600_000))).toEqual([
      5000, 10_000, 20_000, 2_560_000, 3_600_000, 3_600_000,
    ]);
  });

  it('the seeded generator repeats itself and stays in [0, 1)', () => {
    const [a, b] = [seededRandom(7), seededRandom(7)];
    for (let n = 0; n < 1000; n += 1) {
      const value = a.next();
      expect(value).toBe(b.next());
      expect(value >= 0 && value < 1).toBe(true);
    }
  });

  it('a data view honours the offset', () => {
    expect(dataView(new Uint8Array([1, 2, 3]).subarray(1)).getUint8(0)).toBe(2);
  });
});
