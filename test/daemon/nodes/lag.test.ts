import { describe, expect, it } from 'vitest';
import { Lag } from '../../../src/daemon/nodes/lag.js';
import { VirtualClock } from '../../support/virtual-clock.js';

describe('how far a follower is behind', () => {
  it('is told in sequences, and in the time since it was told of the first of them', async () => {
    const clock = new VirtualClock();
    const lag = new Lag(clock, 10);
    lag.told(10);
    expect(lag.behind).toEqual({ events: 0, ms: 0 });
    lag.told(13);
    await clock.advance(40);
    lag.told(15);
    await clock.advance(2);
    expect(lag.behind).toEqual({ events: 5, ms: 42 });
    expect(lag.reached(12)).toBeUndefined();
    expect(lag.behind).toEqual({ events: 3, ms: 42 });
    expect(lag.reached(13)).toBe(42);
    expect(lag.behind).toEqual({ events: 2, ms: 2 });
    expect(lag.reached(15)).toBe(2);
    expect(lag.behind).toEqual({ events: 0, ms: 0 });
    expect(lag.reached(16)).toBeUndefined();
  });

  it('does not grow while more is told before all is served, as long as it is served as fast', async () => {
    const clock = new VirtualClock();
    const lag = new Lag(clock, 0);
    for (let sequence = 1; sequence <= 1_000; sequence += 1) {
      lag.told(sequence);
      await clock.advance(5);
      const tookMs = lag.reached(sequence - 1);
      if (tookMs !== undefined) expect(tookMs).toBeLessThanOrEqual(15);
    }
    expect(lag.behind.ms).toBeLessThanOrEqual(15);
  });
});
