import { expect, it } from 'vitest';
import { seededRandom } from '../../../src/lib/random.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { checkedClock } from './timer-check.js';

it('tells of what is done too early, and of nothing else', async () => {
  const world = new VirtualClock(0);
  const reports: string[] = [];
  const trusting = {
    now: () => world.now(),
    monotonic: () => world.monotonic(),
    after: (delayMs: number, task: () => void) => world.after(delayMs - 1, task),
    sleep: (delayMs: number) => world.sleep(delayMs - 1),
  };
  for (const clock of [world.unruly(seededRandom(1)), trusting]) {
    expect(reports).toEqual([]);
    const checked = checkedClock(clock, (what) => reports.push(what));
    for (let delayMs = 10; delayMs < 60; delayMs += 1) checked.after(delayMs, () => {});
    const slept = checked.sleep(60);
    await world.advance(200);
    await slept;
  }
  expect(reports).toHaveLength(51);
  expect(reports[0]).toMatch(/^what was to be done in 10 ms was done 1 ms too early$/);
});
