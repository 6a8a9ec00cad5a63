import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { type CatchupState, FirstCatchup } from '../../src/sync/report/first-catchup.js';
import { VirtualClock } from '../support/virtual-clock.js';

const relays = { tracked: 2, connected: 1, complete: 0 };

function world() {
  const clock = new VirtualClock();
  const lines: { readonly details: object; readonly message: string }[] = [];
  const state: { now: CatchupState } = { now: { ...relays, isOver: false, waiting: 0 } };
  const info = (details: object, message: string) => void lines.push({ details, message });
  const logger = { debug: info, info, warn: info, error: info };
  const report = new FirstCatchup({ clock, logger }, () => state.now);
  return { clock, lines, state, report };
}

describe('the first catch-up after a start', () => {
  it('is told of now and then: what came, what is expected, and how long that takes', async () => {
    const { clock, lines, state, report } = world();
    const stop = new AbortController();
    const ended = report.run(stop.signal);
    for (let event = 0; event < 100; event += 1) report.stored('catchup');
    report.stored('live_sync');
    state.now = { ...relays, isOver: false, waiting: 300 };
    await clock.advance(limits.firstCatchupLogIntervalMs);
    expect(lines).toEqual([
      {
        details: {
          relays,
          stored: 100,
          expected: 400,
          secondsLeft: (3 * limits.firstCatchupLogIntervalMs) / 1000,
        },
        message: 'catching up',
      },
    ]);
    stop.abort();
    await clock.advance(0);
    await ended;
  });

  it('says once that it is over, and nothing after that', async () => {
    const { clock, lines, state, report } = world();
    const ended = report.run(new AbortController().signal);
    state.now = { tracked: 2, connected: 1, complete: 1, isOver: true, waiting: 0 };
    await clock.advance(limits.firstCatchupLogIntervalMs);
    await ended;
    expect(lines.map(({ message }) => message)).toEqual(['caught up with all relays that answer']);
    expect(clock.timers).toBe(0);
  });

  it('says nothing while nothing comes', async () => {
    const { clock, lines, state, report } = world();
    const stop = new AbortController();
    const ended = report.run(stop.signal);
    state.now = { ...relays, isOver: false, waiting: 20 };
    await clock.advance(5 * limits.firstCatchupLogIntervalMs);
    expect(lines).toEqual([]);
    stop.abort();
    await clock.advance(0);
    await ended;
  });
});
