import { describe, expect, it } from 'vitest';
import { backgroundTurns } from '../../src/config/background-turns.js';
import { limits } from '../../src/config/limits.js';

describe('the turns of work that can wait', () => {
  it('have one slice for all who do work of one priority, so that no turn grows with their number', async () => {
    let now = 0;
    const clock = { monotonic: () => now };
    const first = backgroundTurns(clock, 'catch-up');
    const second = backgroundTurns(clock, 'catch-up');
    expect([first.isOver, second.isOver]).toEqual([false, false]);
    now += limits.backgroundSliceMsMax;
    expect([first.isOver, second.isOver]).toEqual([true, true]);
    // Other work has its own, and so has what goes by another clock.
    expect(backgroundTurns(clock, 'care').isOver).toBe(false);
    expect(backgroundTurns({ monotonic: () => now }, 'catch-up').isOver).toBe(false);
    await second.next();
    expect(first.isOver).toBe(false);
  });
});
