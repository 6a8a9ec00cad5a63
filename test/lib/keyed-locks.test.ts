import { describe, expect, it } from 'vitest';
import { deferred } from '../../src/lib/abort.js';
import { KeyedLocks } from '../../src/lib/turns/keyed-locks.js';

const { signal } = new AbortController();

describe('work under the lock of a key', () => {
  it('is alone there, in the order in which it came, and beside that of other keys', async () => {
    const locks = new KeyedLocks();
    const order: string[] = [];
    const first = deferred<void>();
    const one = locks.use('a', signal, async () => {
      await first.promise;
      order.push('one');
    });
    const two = locks.use('a', signal, async () => void order.push('two'));
    await locks.use('b', signal, async () => void order.push('other'));
    first.resolve();
    await Promise.all([one, two]);
    expect([order, locks.size]).toEqual([['other', 'one', 'two'], 0]);
  });

  it('is not done where somebody has the lock, or waits for it, and is to be done only if it is free', async () => {
    const locks = new KeyedLocks();
    const holding = deferred<void>();
    const holder = locks.use('a', signal, () => holding.promise);
    const waiter = locks.use('a', signal, async () => locks.useIfFree('a', signal, async () => 'done'));
    expect(await locks.useIfFree('a', signal, async () => 'done')).toBe('busy');
    holding.resolve();
    await holder;
    expect(await waiter).toBe('busy');
    expect(await locks.useIfFree('a', signal, async () => 'done')).toBe('done');
    expect(locks.size).toBe(0);
  });

  it('that gives way is told when somebody else waits, or waited before it began', async () => {
    const locks = new KeyedLocks();
    const begun = deferred<void>();
    const told = deferred<void>();
    const yielding = locks.useYielding('a', signal, async (wanted) => {
      begun.resolve();
      wanted.addEventListener('abort', () => told.resolve(), { once: true });
      await told.promise;
      return 'gave way';
    });
    await begun.promise;
    const holding = deferred<void>();
    const holder = locks.use('a', signal, async () => await holding.promise);
    expect(await yielding).toBe('gave way');
    const late = locks.useYielding('a', signal, async (wanted) => wanted.aborted);
    const waiter = locks.use('a', signal, async () => {});
    holding.resolve();
    expect(await late).toBe(true);
    await Promise.all([holder, waiter]);
    expect(await locks.useYielding('a', signal, async (wanted) => wanted.aborted)).toBe(false);
    expect(locks.size).toBe(0);
  });

  it('that gives way ends with its caller', async () => {
    const locks = new KeyedLocks();
    const caller = new AbortController();
    const yielding = locks.useYielding('a', caller.signal, async (wanted) => {
      caller.abort(new Error('the caller went'));
      wanted.throwIfAborted();
    });
    await expect(yielding).rejects.toThrow('the caller went');
    expect(locks.size).toBe(0);
  });
});
