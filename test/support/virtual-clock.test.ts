import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/lib/random.js';
import { settle, VirtualClock } from './virtual-clock.js';

describe('VirtualClock', () => {
  it('runs timers in the order of their time, then of their making', async () => {
    const clock = new VirtualClock(0);
    const ran: string[] = [];
    clock.after(20, () => ran.push('c'));
    clock.after(10, () => ran.push('a'));
    clock.after(10, () => ran.push('b'));
    await clock.advance(15);
    expect(ran).toEqual(['a', 'b']);
    expect(clock.monotonic()).toBe(15);
    await clock.advance(5);
    expect(ran).toEqual(['a', 'b', 'c']);
  });

  it('lets promises and immediates come to rest between two timers', async () => {
    const clock = new VirtualClock(0);
    const ran: string[] = [];
    clock.after(10, () => {
      void (async () => {
        for (let i = 0; i < 100; i++) await Promise.resolve();
        await new Promise<void>((resolve) => setImmediate(resolve));
        await new Promise<void>((resolve) => setImmediate(resolve));
        ran.push(`work at ${clock.monotonic()}`);
      })();
    });
    clock.after(11, () => ran.push('next'));
    await clock.advance(20);
    expect(ran).toEqual(['work at 10', 'next']);
  });

  it('runs timers that are set while time passes', async () => {
    const clock = new VirtualClock(0);
    const at: number[] = [];
    const again = () => {
      at.push(clock.monotonic());
      clock.after(0, again);
    };
    clock.after(1, again);
    await clock.advance(5);
    expect(at).toEqual([1, 2, 3, 4, 5]);
  });

  it('forgets cancelled timers', async () => {
    const clock = new VirtualClock(0);
    for (let i = 0; i < 1000; i++) clock.after(1000 + i, () => expect.unreachable())();
    clock.after(500, () => {})();
    expect(clock.timers).toBe(0);
    await clock.advance(10_000);
  });

  it('ends a sleep by its signal and leaves no timer', async () => {
    const clock = new VirtualClock(0);
    const controller = new AbortController();
    const reason = new Error('enough');
    const slept = clock.sleep(1000, controller.signal).catch((error: unknown) => error);
    controller.abort(reason);
    expect(await slept).toBe(reason);
    expect(clock.timers).toBe(0);
  });

  it('jumps the wall clock without touching timers', async () => {
    const clock = new VirtualClock(1_000_000);
    let fired = false;
    clock.after(100, () => {
      fired = true;
    });
    clock.jump(86_400_000);
    await clock.advance(99);
    expect(fired).toBe(false);
    expect(clock.now()).toBe(1_000_000 + 86_400_000 + 99);
    expect(clock.monotonic()).toBe(99);
  });

  it('has timers that fire early, late and together, and a clock upon them that is never early', async () => {
    const world = new VirtualClock(0);
    const clock = world.unruly(seededRandom(1));
    const drifts: number[] = [];
    const together = new Set<number>();
    let lastAt = -1;
    let hasRested = true;
    for (let delayMs = 1; delayMs <= 2_000; delayMs += 1) {
      clock.after(delayMs, () => {
        const at = clock.monotonic();
        drifts.push(at - delayMs);
        if (at === lastAt && !hasRested) together.add(at);
        lastAt = at;
        hasRested = false;
        setImmediate(() => {
          hasRested = true;
        });
      });
    }
    await world.advance(3_000);
    expect(drifts).toHaveLength(2_000);
    expect(Math.min(...drifts)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...drifts)).toBeGreaterThan(35);
    expect(drifts.filter((drift) => drift > 0 && drift < 1).length).toBeGreaterThan(100);
    expect(together.size).toBeGreaterThan(50);
  });

  it('stops at the condition', async () => {
    const clock = new VirtualClock(0);
    let count = 0;
    const tick = () => {
      count += 1;
      clock.after(10, tick);
    };
    clock.after(10, tick);
    expect(await clock.advanceUntil(() => count === 3, 1000)).toBe(true);
    expect(clock.monotonic()).toBe(30);
    expect(await clock.advanceUntil(() => false, 50)).toBe(false);
    expect(clock.monotonic()).toBe(80);
  });
});

describe('settle', () => {
  it('ends for two who wait at the same time', async () => {
    await Promise.all([settle(), settle()]);
  });
});
