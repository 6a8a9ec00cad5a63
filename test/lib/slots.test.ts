import { describe, expect, it } from 'vitest';
import { deferred } from '../../src/lib/abort.js';
import { Slots } from '../../src/lib/turns/slots.js';

const never = new AbortController().signal;

describe('Slots', () => {
  it('lets only so many in at once, each in its turn, and goes on after a failure', async () => {
    const slots = new Slots(2);
    const order: number[] = [];
    let inside = 0;
    let most = 0;
    const work = Array.from({ length: 9 }, (_, number) =>
      slots.use(never, async () => {
        inside += 1;
        most = Math.max(most, inside);
        order.push(number);
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
        if (number % 3 === 0) throw new Error('no');
      }),
    );
    const settled = await Promise.allSettled(work);
    expect(most).toBe(2);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(3);
    expect(slots.inUse).toBe(0);
  });

  it('lets those who give up go, without a slot', async () => {
    const slots = new Slots(1);
    const busy = deferred<void>();
    const first = slots.use(never, () => busy.promise);
    const stop = new AbortController();
    const second = slots.use(stop.signal, async () => 'second');
    const third = slots.use(never, async () => 'third');
    expect(slots.waiting).toBe(2);
    stop.abort(new Error('given up'));
    await expect(second).rejects.toThrow('given up');
    expect(slots.waiting).toBe(1);
    busy.resolve();
    await first;
    expect(await third).toBe('third');
    await expect(slots.use(stop.signal, async () => {})).rejects.toThrow('given up');
  });

  it('lets in more, or fewer, when it is resized; those inside stay', async () => {
    const slots = new Slots(2);
    const gates = Array.from({ length: 4 }, () => deferred<void>());
    const work = gates.map(({ promise }) => slots.use(never, () => promise));
    expect(slots.inUse).toBe(2);
    slots.resize(3);
    expect(slots.inUse).toBe(3);
    slots.resize(0);
    expect(slots.capacity).toBe(1);
    gates[0]?.resolve();
    await work[0];
    expect([slots.inUse, slots.waiting]).toEqual([2, 1]);
    for (const { resolve } of gates) resolve();
    await Promise.all(work);
    expect(slots.inUse).toBe(0);
  });
});
