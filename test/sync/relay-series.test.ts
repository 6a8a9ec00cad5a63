import { Registry } from 'prom-client';
import { beforeEach, describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { RelaySeries } from '../../src/sync/report/relay-series.js';

let registry: Registry;
let series: RelaySeries;

beforeEach(() => {
  registry = new Registry();
  series = new RelaySeries(registry);
});

const named = (number: number) => `wss://relay-${number}.example`;

async function sampleOf(name: string, labels: Record<string, string>): Promise<number | undefined> {
  const metric = await registry.getSingleMetric(name)?.get();
  return metric?.values.find((each) =>
    Object.entries(labels).every(([key, value]) => each.labels[key] === value),
  )?.value;
}

async function labels(): Promise<Set<string>> {
  const all = await registry.getMetricsAsJSON();
  return new Set(
    all.flatMap(({ values }) => values.map((each) => `${(each.labels as { relay?: string }).relay}`)),
  );
}

describe('metrics by relay (docs/sync.md §7)', () => {
  it('name the operator’s relays, and those that were connected; the rest is summed', async () => {
    series.track(named(0), true);
    for (let number = 1; number < 5; number += 1) series.track(named(number), false);
    expect(await labels()).toEqual(new Set([named(0), 'other']));
    for (const number of [2, 3]) {
      series.attempted(named(number), 'failure');
      series.setHealth(named(number), 'dead', 7);
    }
    series.attempted(named(1), 'success');
    series.setConnected(named(1), true);
    series.setHealth(named(1), 'healthy', 0);
    expect(await labels()).toEqual(new Set([named(0), named(1), 'other']));
    expect(await sampleOf('ngit_sync_relay_connected', { relay: named(1) })).toBe(1);
    const attempts = 'ngit_sync_connection_attempts_total';
    expect(await sampleOf(attempts, { relay: named(1), result: 'success' })).toBe(1);
    expect(await sampleOf(attempts, { relay: 'other', result: 'failure' })).toBe(2);
    expect(await sampleOf('ngit_sync_relay_status', { relay: 'other', status: 'dead' })).toBe(2);
    expect(await sampleOf('ngit_sync_relay_status', { relay: 'other', status: 'backoff' })).toBe(1);
    expect(await sampleOf('ngit_sync_relay_failures', { relay: 'other' })).toBe(14);
    series.setConnected(named(1), false);
    expect(await sampleOf('ngit_sync_relay_connected', { relay: named(1) })).toBe(0);
    series.forget(named(1));
    for (const number of [2, 3, 4]) series.forget(named(number));
    // What was counted stays counted.
    expect(await labels()).toEqual(new Set([named(0), 'other']));
    expect(await sampleOf('ngit_sync_relay_status', { relay: 'other', status: 'dead' })).toBeUndefined();
  });

  it('are few and short, whatever is tracked and connected', async () => {
    const long = (number: number) => `${named(number)}/`.padEnd(limits.syncRelayUrlCharsMax, 'x');
    for (let number = 0; number < 2_000; number += 1) series.track(long(number), false);
    for (let number = 0; number < 300; number += 1) {
      series.attempted(long(number), 'success');
      series.setConnected(long(number), true);
      series.gap(long(number));
    }
    expect((await labels()).size).toBe(limits.syncRelayLabelsMax + 1);
    expect(await sampleOf('ngit_sync_relay_connected', { relay: 'other' })).toBe(100);
    expect(await sampleOf('ngit_sync_gap_events_total', { relay: 'other' })).toBe(100);
    expect((await registry.metrics()).length).toBeLessThan(limits.syncRelayLabelsMax * 10 * 400);
  });

  it('give the label of one that is not connected to one that is', async () => {
    series.track('wss://operator.example', true);
    for (let number = 0; number < limits.syncRelayLabelsMax; number += 1) {
      series.track(named(number), false);
      series.attempted(named(number), 'success');
      series.setConnected(named(number), true);
    }
    // The last found no label left; when another is gone, the next has its place.
    const last = named(limits.syncRelayLabelsMax - 1);
    expect((await labels()).has(last)).toBe(false);
    series.setConnected(named(7), false);
    series.attempted(last, 'success');
    const now = await labels();
    expect([now.has(last), now.has(named(7)), now.has('wss://operator.example')]).toEqual([
      true,
      false,
      true,
    ]);
  });
});
