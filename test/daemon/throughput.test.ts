import { Counter, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { Throughput } from '../../src/daemon/web/throughput.js';
import { VirtualClock } from '../support/virtual-clock.js';

function world() {
  const registry = new Registry();
  const events = new Counter({
    name: 'ngit_sync_events_total',
    help: 'test',
    labelNames: ['source'],
    registers: [registry],
  });
  const clock = new VirtualClock();
  const throughput = new Throughput(registry, clock);
  const stop = new AbortController();
  const ended = throughput.run(stop.signal);
  const valuesOf = async (name: string) =>
    (await throughput.report()).series.find((each) => each.name === name)?.values;
  return { events, clock, throughput, stop, ended, valuesOf };
}

describe('throughput', () => {
  it('is what counters grew by in each minute, and so far in the one that runs', async () => {
    const { events, clock, throughput, stop, ended, valuesOf } = world();
    events.inc({ source: 'live_sync' }, 3);
    expect(await valuesOf('live')).toEqual([3]);
    await clock.advance(limits.throughputIntervalMs);
    events.inc({ source: 'live_sync' }, 4);
    events.inc({ source: 'catchup' }, 1);
    events.inc({ source: 'daily_catchup' }, 1);
    expect(await valuesOf('live')).toEqual([3, 4]);
    expect(await valuesOf('catchup')).toEqual([0, 2]);
    expect(await valuesOf('gitSent')).toEqual([0, 0]);
    expect((await throughput.report()).end).toBe(clock.now() / 1000);
    stop.abort();
    await clock.advance(0);
    await ended;
  });

  it('is kept for a day', async () => {
    const { events, clock, stop, ended, valuesOf } = world();
    events.inc({ source: 'direct' }, 7);
    await clock.advance(limits.throughputIntervalMs);
    expect((await valuesOf('published'))?.[0]).toBe(7);
    for (let minute = 0; minute < limits.throughputSamplesMax; minute += 1)
      await clock.advance(limits.throughputIntervalMs);
    const values = await valuesOf('published');
    expect(values?.length).toBe(limits.throughputSamplesMax + 1);
    expect(values?.[0]).toBe(0);
    stop.abort();
    await clock.advance(0);
    await ended;
  });
});
