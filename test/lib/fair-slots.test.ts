import { describe, expect, it } from 'vitest';
import { deferred } from '../../src/lib/abort.js';
import { FairSlots } from '../../src/lib/turns/fair-slots.js';
import { VirtualClock } from '../support/virtual-clock.js';

const never = new AbortController().signal;

describe('fair slots', () => {
  it('let only so many in at once, one party after the other, and go on after a failure', async () => {
    const slots = new FairSlots(2);
    const order: string[] = [];
    let [inside, most] = [0, 0];
    const work = ['a1', 'a2', 'a3', 'a4', 'a5', 'b1', 'b2', 'c1'].map((name) =>
      slots.use(name[0] ?? '', never, async () => {
        inside += 1;
        most = Math.max(most, inside);
        order.push(name);
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
        if (name === 'a3') throw new Error('no');
      }),
    );
    expect(slots.waiting).toBe(6);
    const settled = await Promise.allSettled(work);
    expect(order).toEqual(['a1', 'a2', 'a3', 'b1', 'c1', 'a4', 'b2', 'a5']);
    expect(most).toBe(2);
    expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect([slots.inUse, slots.waiting]).toEqual([0, 0]);
  });

  it('let those who give up go, without a slot', async () => {
    const slots = new FairSlots(1);
    const busy = deferred<void>();
    const first = slots.use('a', never, () => busy.promise);
    const stop = new AbortController();
    const second = slots.use('b', stop.signal, async () => 'second');
    const third = slots.use('c', never, async () => 'third');
    stop.abort(new Error('given up'));
    await expect(second).rejects.toThrow('given up');
    expect(slots.waiting).toBe(1);
    busy.resolve();
    await first;
    expect(await third).toBe('third');
    await expect(slots.use('a', stop.signal, async () => {})).rejects.toThrow('given up');
    expect(slots.inUse).toBe(0);
  });
});

describe('fair slots whose number changes', () => {
  it('let in more with the next that comes, and keep those inside when they become fewer', async () => {
    let capacity = 1;
    const slots = new FairSlots(() => capacity);
    const leaves = [await slots.enter('a', never)];
    const second = slots.enter('a', never);
    capacity = 3;
    leaves.push(await slots.enter('b', never), await second);
    expect([slots.inUse, slots.waiting]).toEqual([3, 0]);
    capacity = 1;
    const fourth = slots.enter('c', never);
    leaves[0]?.();
    leaves[1]?.();
    expect([slots.inUse, slots.waiting]).toEqual([1, 1]);
    leaves[2]?.();
    await fourth;
    expect([slots.inUse, slots.waiting]).toEqual([1, 0]);
  });
});

describe('fair slots that are held for long', () => {
  it('end one while somebody waits: who weighs most, of several alike who has been inside for longest', async () => {
    const clock = new VirtualClock();
    const slots = new FairSlots(4, { clock, msMax: 1_000 });
    const ended: number[] = [];
    const leaves: (() => void)[] = [];
    for (const [at, weight] of [1, 2, 2, 0].entries()) {
      const endable = { weight: () => weight, end: () => void ended.push(at) };
      leaves.push(await slots.enter('a', never, endable));
    }
    await clock.advance(10_000);
    expect(ended).toEqual([]);
    const stop = new AbortController();
    const gone = slots.enter('b', stop.signal);
    await clock.advance(999);
    stop.abort(new Error('given up'));
    await expect(gone).rejects.toThrow('given up');
    expect(clock.timers).toBe(0);
    const waiting = [slots.enter('b', never), slots.enter('c', never), slots.enter('d', never)];
    await clock.advance(999);
    // One that comes free begins the time anew.
    leaves[2]?.();
    await waiting[0];
    await clock.advance(999);
    expect(ended).toEqual([]);
    // Each once, however long it takes to leave.
    await clock.advance(10_001);
    expect(ended).toEqual([1, 0]);
    leaves[0]?.();
    leaves[1]?.();
    await Promise.all(waiting);
    expect([slots.inUse, slots.waiting, clock.timers]).toEqual([4, 0, 0]);
  });
});
