import type { Registry } from 'prom-client';
import { limits } from '../../../src/config/limits.js';

/** The gauges of what waits in memory, with the most that each may show for one remote, or in all. */
const bounds: readonly {
  readonly gauge: string;
  readonly most: number;
  readonly each: 'relay' | 'process';
}[] = [
  { gauge: 'ngit_admission_hot_bytes', most: limits.hotCacheBytesMax, each: 'process' },
  { gauge: 'ngit_admission_queued_events', most: 3 * limits.verificationLaneEventsMax, each: 'process' },
  {
    gauge: 'ngit_sync_queued_bytes',
    most: limits.remoteQueueBytesHigh + limits.remoteFrameBytesMax,
    each: 'relay',
  },
  { gauge: 'ngit_sync_queued_downloads', most: limits.downloadQueueIdsMax, each: 'relay' },
];

/** Whether what waits in memory is within its named limits; returns what is not. */
export async function exceededLimits(registry: Registry, relays: number): Promise<string[]> {
  const exceeded: string[] = [];
  for (const { gauge, most, each } of bounds) {
    const metric = await registry.getSingleMetric(gauge)?.get();
    const value = metric?.values[0]?.value ?? 0;
    const limit = each === 'relay' ? most * relays : most;
    if (value > limit) exceeded.push(`${gauge} is ${value}; its limit is ${limit}`);
  }
  return exceeded;
}
