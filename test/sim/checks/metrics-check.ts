import type { Registry } from 'prom-client';

/** What really happened, to be compared with what the metrics say. */
export type Happened = {
  readonly storedBySource: ReadonlyMap<string, number>;
  /** By relay: dials that led to a connection, and dials that failed, in this life. */
  readonly dials: ReadonlyMap<string, { success: number; failure: number }>;
  readonly connected: ReadonlySet<string>;
  /** Relays that are never dropped, so that their series live as long as the process. */
  readonly bootstrap: ReadonlySet<string>;
};

type Sample = { readonly labels: Readonly<Record<string, string | number>>; readonly value: number };

/** Compares the sync metrics of one life with what happened in it; returns the differences. */
export async function compareMetrics(registry: Registry, happened: Happened): Promise<string[]> {
  const samples = new Map<string, Sample[]>();
  for (const metric of await registry.getMetricsAsJSON()) {
    samples.set(metric.name, metric.values as unknown as Sample[]);
  }
  const value = (name: string, labels: Record<string, string>) =>
    samples
      .get(name)
      ?.filter((sample) => Object.entries(labels).every(([key, each]) => sample.labels[key] === each))
      .reduce((sum, sample) => sum + sample.value, 0) ?? 0;
  const differences: string[] = [];
  const expectEqual = (name: string, labels: Record<string, string>, expected: number) => {
    const actual = value(name, labels);
    if (actual !== expected) {
      differences.push(`${name}${JSON.stringify(labels)} is ${actual}; ${expected} happened`);
    }
  };
  for (const source of ['direct', 'import', 'live_sync', 'catchup', 'daily_catchup']) {
    expectEqual('ngit_sync_events_total', { source }, happened.storedBySource.get(source) ?? 0);
  }
  const namedRelays = new Set(
    (samples.get('ngit_sync_relay_connected') ?? []).map(({ labels }) => `${labels.relay}`),
  );
  // The series of relays that were never connected, together.
  namedRelays.delete('other');
  for (const relay of namedRelays) {
    for (const [result, count] of Object.entries(happened.dials.get(relay) ?? { success: 0, failure: 0 })) {
      // The series of a relay that was dropped and taken up again began anew.
      const counted = value('ngit_sync_connection_attempts_total', { relay, result });
      const expected = happened.bootstrap.has(relay) ? count : Math.min(count, counted);
      expectEqual('ngit_sync_connection_attempts_total', { relay, result }, expected);
    }
    expectEqual('ngit_sync_relay_connected', { relay }, happened.connected.has(relay) ? 1 : 0);
    expectEqual('ngit_sync_relay_status', { relay }, 1);
  }
  expectEqual('ngit_sync_relays_tracked_total', {}, value('ngit_sync_relay_status', {}));
  expectEqual('ngit_sync_relay_connected', {}, happened.connected.size);
  expectEqual('ngit_sync_relays_connected_total', {}, happened.connected.size);
  expectEqual('ngit_sync_relays_dead_total', {}, value('ngit_sync_relay_status', { status: 'dead' }));
  return differences;
}
