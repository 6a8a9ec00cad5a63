import { describe, expect, it } from 'vitest';
import { type Clock, clockOf, dayMs, systemClock } from '../../src/lib/clock.js';
import { seededRandom } from '../../src/lib/random.js';
import { DailySchedule } from '../../src/sync/relay/daily-schedule.js';
import { VirtualClock } from '../support/virtual-clock.js';

/** A clock upon timers that fire each time when `share` of the delay is over. */
function clockOfEarly(share: number): { world: VirtualClock; clock: Clock; delays: number[] } {
  const world = new VirtualClock(0);
  const delays: number[] = [];
  const clock = clockOf({
    now: () => world.now(),
    monotonic: () => world.monotonic(),
    set(delayMs, _, task) {
      delays.push(delayMs);
      return world.after(delayMs * share, task);
    },
  });
  return { world, clock, delays };
}

describe('a clock upon timers that fire early', () => {
  it('does nothing before its time, and it once', async () => {
    const { world, clock } = clockOfEarly(0.5);
    const ran: number[] = [];
    clock.after(1_000, () => ran.push(clock.monotonic()));
    await world.advance(999);
    expect(ran).toEqual([]);
    await world.advance(10_000);
    expect(ran).toEqual([1_000]);
  });

  it('sleeps to the end, and no longer than its signal', async () => {
    const { world, clock } = clockOfEarly(0.9);
    let awokenAt = 0;
    void clock.sleep(1_000).then(() => {
      awokenAt = clock.monotonic();
    });
    await world.advance(2_000);
    expect(awokenAt).toBe(1_000);
    const stop = new AbortController();
    const slept = clock.sleep(1_000, stop.signal).catch((error: unknown) => error);
    await world.advance(950);
    stop.abort(new Error('stopped'));
    expect(await slept).toEqual(new Error('stopped'));
    expect(world.timers).toBe(0);
  });

  it('forgets what is cancelled, also after it was set again', async () => {
    const { world, clock } = clockOfEarly(0.5);
    const cancel = clock.after(1_000, () => expect.unreachable());
    await world.advance(900);
    cancel();
    cancel();
    expect(world.timers).toBe(0);
    await world.advance(1_000);
  });

  it('waits for more than a timer of the platform can', async () => {
    const { world, clock, delays } = clockOfEarly(1);
    let ranAt = 0;
    clock.after(60 * dayMs, () => {
      ranAt = clock.monotonic();
    });
    await world.advance(61 * dayMs);
    expect(ranAt).toBe(60 * dayMs);
    expect(Math.max(...delays)).toBeLessThan(2 ** 31);
  });

  it('is the clock of the system', async () => {
    const late: number[] = [];
    const waits = Array.from({ length: 200 }, async (_, index) => {
      const delayMs = index / 13;
      const from = systemClock.monotonic();
      await systemClock.sleep(delayMs);
      late.push(systemClock.monotonic() - from - delayMs);
    });
    await Promise.all(waits);
    expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
  });
});

it.each([1, 2, 3, 4, 5])('a daily catch-up runs once an interval, on an unruly clock (%i)', async (seed) => {
  const world = new VirtualClock(0);
  const clock = world.unruly(seededRandom(seed));
  const intervalMs = 7_000 + seed / 7;
  const schedule = new DailySchedule(clock, { dailyIntervalMs: intervalMs, dailyStaggerMs: 300 });
  const runs = [0, 0, 0];
  const cancels = runs.map((_, place) => schedule.add(`wss://${place}.example`, () => (runs[place]! += 1)));
  await world.advance(10 * intervalMs + 1_000);
  expect(runs).toEqual([10, 10, 10]);
  for (const cancel of cancels) cancel();
  expect(world.timers).toBe(0);
});
