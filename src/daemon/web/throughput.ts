import type { Registry } from 'prom-client';
import { exceeds } from '../../config/limit-use.js';
import { limits } from '../../config/limits.js';
import { type Clock, secondMs } from '../../lib/clock.js';
import { metricValue } from '../../lib/gauge.js';
import {
  type ThroughputName,
  type ThroughputReport,
  throughputNames,
} from '../../web/status/status-report.js';

/** The counters that a series is the growth of. */
type Counted = { readonly metric: string; readonly labels: readonly Readonly<Record<string, string>>[] };

const counted: Readonly<Record<ThroughputName, Counted>> = {
  published: { metric: 'ngit_sync_events_total', labels: [{ source: 'direct' }] },
  live: { metric: 'ngit_sync_events_total', labels: [{ source: 'live_sync' }] },
  catchup: {
    metric: 'ngit_sync_events_total',
    labels: [{ source: 'catchup' }, { source: 'daily_catchup' }],
  },
  delivered: { metric: 'ngit_relay_deliveries_total', labels: [{}] },
  clientsIn: { metric: 'ngit_relay_bytes_total', labels: [{ direction: 'in' }] },
  clientsOut: { metric: 'ngit_relay_bytes_total', labels: [{ direction: 'out' }] },
  gitSent: { metric: 'ngit_git_sent_bytes_total', labels: [{}] },
  gitPushed: { metric: 'ngit_git_received_bytes_total', labels: [{ service: 'git-receive-pack' }] },
  gitFetched: { metric: 'ngit_git_sync_bytes_total', labels: [{}] },
};

/** A value of each series, in the order of `throughputNames`. */
type Row = readonly number[];

/** What went through in each minute of the last day, from the metrics; in memory only. */
export class Throughput {
  readonly #registry: Registry;
  readonly #clock: Clock;
  readonly #rows: Row[] = [];
  #totals: Row = throughputNames.map(() => 0);
  #minuteBeganAtMs: number;

  constructor(registry: Registry, clock: Clock) {
    this.#registry = registry;
    this.#clock = clock;
    this.#minuteBeganAtMs = clock.now();
  }

  /** Takes a sample each minute, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.sleep(limits.throughputIntervalMs, signal).catch(() => {});
      if (!signal.aborted) await this.#sample();
    }
  }

  async report(): Promise<ThroughputReport> {
    const running = this.#growth(await this.#read());
    return {
      stepSeconds: limits.throughputIntervalMs / secondMs,
      end: Math.floor(this.#minuteBeganAtMs / secondMs),
      series: throughputNames.map((name, index) => ({
        name,
        values: [...this.#rows, running].map((row) => row[index] ?? 0),
      })),
    };
  }

  async #sample(): Promise<void> {
    const totals = await this.#read();
    this.#rows.push(this.#growth(totals));
    if (exceeds('throughputSamplesMax', this.#rows.length)) this.#rows.shift();
    this.#totals = totals;
    this.#minuteBeganAtMs = this.#clock.now();
  }

  #growth(totals: Row): Row {
    return totals.map((total, index) => Math.max(0, total - (this.#totals[index] ?? 0)));
  }

  async #read(): Promise<Row> {
    return await Promise.all(
      throughputNames.map(async (name) => {
        const { metric, labels } = counted[name];
        const values = await Promise.all(labels.map((each) => metricValue(this.#registry, metric, each)));
        return values.reduce((sum, value) => sum + value, 0);
      }),
    );
  }
}
