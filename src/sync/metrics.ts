import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { EventSource } from '../admission/admission.js';
import { gaugesIn } from '../lib/gauge.js';
import type { CatchupTrigger } from './catchup.js';
import type { RelayStatus } from './health.js';

const statuses: readonly RelayStatus['type'][] = ['healthy', 'backoff', 'dead'];
const sources: readonly EventSource['type'][] = ['direct', 'live_sync', 'catchup', 'daily_catchup'];

/** What sync holds at the moment, read when it is scraped. */
export type SyncGauges = {
  readonly tracked: () => number;
  readonly connected: () => number;
  readonly dead: () => number;
  readonly queuedBytes: () => number;
  readonly heldBytes: () => number;
  readonly queuedTopics: () => number;
  readonly queuedDownloads: () => number;
  readonly liveFilters: () => number;
};

/** The metrics of docs/sync.md §7, under exactly those names and labels, and what else an operator would act on. */
export class SyncMetrics {
  readonly #registry: Registry;
  readonly #relayConnected: Gauge<'relay'>;
  readonly #attempts: Counter<'relay' | 'result'>;
  readonly #relayStatus: Gauge<'relay' | 'status'>;
  readonly #relayFailures: Gauge<'relay'>;
  readonly #events: Counter<'source'>;
  readonly #gaps: Counter<'relay'>;
  readonly #catchupSeconds: Histogram<'trigger'>;
  readonly #catchupCompletedAt: Gauge<'relay'>;
  readonly #rounds: Counter;
  readonly #bytes: Counter<'direction'>;
  readonly #violations: Counter;
  readonly #deepSeconds: Counter<'relay'>;

  constructor(registry: Registry) {
    this.#registry = registry;
    const registers = [registry];
    this.#relayConnected = new Gauge({
      name: 'ngit_sync_relay_connected',
      help: '1 while connected to the relay, else 0',
      labelNames: ['relay'],
      registers,
    });
    this.#attempts = new Counter({
      name: 'ngit_sync_connection_attempts_total',
      help: 'Attempts to connect to the relay, by result',
      labelNames: ['relay', 'result'],
      registers,
    });
    this.#relayStatus = new Gauge({
      name: 'ngit_sync_relay_status',
      help: '1 for the current status of the relay, 0 for the others',
      labelNames: ['relay', 'status'],
      registers,
    });
    this.#relayFailures = new Gauge({
      name: 'ngit_sync_relay_failures',
      help: 'Consecutive failures of the relay',
      labelNames: ['relay'],
      registers,
    });
    this.#events = new Counter({
      name: 'ngit_sync_events_total',
      help: 'Newly stored events, by source',
      labelNames: ['source'],
      registers,
    });
    for (const source of sources) this.#events.inc({ source }, 0);
    this.#gaps = new Counter({
      name: 'ngit_sync_gap_events_total',
      help: 'Events found by catch-up that live sync should have brought',
      labelNames: ['relay'],
      registers,
    });
    this.#catchupSeconds = new Histogram({
      name: 'ngit_sync_catchup_duration_seconds',
      help: 'From the begin of a catch-up with one relay until all of it was stored',
      labelNames: ['trigger'],
      buckets: [1, 5, 15, 60, 300, 900, 3600, 14400],
      registers,
    });
    this.#catchupCompletedAt = new Gauge({
      name: 'ngit_sync_catchup_completed_timestamp_seconds',
      help: 'When the last complete catch-up with the relay began',
      labelNames: ['relay'],
      registers,
    });
    this.#rounds = new Counter({
      name: 'ngit_sync_negentropy_rounds_total',
      help: 'Answers of remotes in negentropy sessions',
      registers,
    });
    this.#bytes = new Counter({
      name: 'ngit_sync_transferred_bytes_total',
      help: 'Bytes of messages from and to remotes',
      labelNames: ['direction'],
      registers,
    });
    this.#violations = new Counter({
      name: 'ngit_sync_unasked_messages_total',
      help: 'Messages of remotes that cannot be read, that answer nothing, and their NOTICE and AUTH',
      registers,
    });
    this.#deepSeconds = new Counter({
      name: 'ngit_sync_deep_seconds_total',
      help: 'Seconds of which a relay without negentropy may hold more events than can be asked for',
      labelNames: ['relay'],
      registers,
    });
  }

  /** A relay is tracked from now on: all its series exist. */
  track(relay: string): void {
    this.#relayConnected.set({ relay }, 0);
    this.#relayFailures.set({ relay }, 0);
    this.#attempts.inc({ relay, result: 'success' }, 0);
    this.#attempts.inc({ relay, result: 'failure' }, 0);
    this.#gaps.inc({ relay }, 0);
  }

  /** A relay is not tracked any more: no series of it stays. */
  forget(relay: string): void {
    this.#relayConnected.remove({ relay });
    this.#relayFailures.remove({ relay });
    for (const result of ['success', 'failure']) this.#attempts.remove({ relay, result });
    for (const status of statuses) this.#relayStatus.remove({ relay, status });
    this.#gaps.remove({ relay });
    this.#catchupCompletedAt.remove({ relay });
    this.#deepSeconds.remove({ relay });
  }

  attempted(relay: string, result: 'success' | 'failure'): void {
    this.#attempts.inc({ relay, result });
  }

  setConnected(relay: string, isConnected: boolean): void {
    this.#relayConnected.set({ relay }, isConnected ? 1 : 0);
  }

  setHealth(relay: string, status: RelayStatus['type'], failures: number): void {
    for (const each of statuses) this.#relayStatus.set({ relay, status: each }, each === status ? 1 : 0);
    this.#relayFailures.set({ relay }, failures);
  }

  stored(source: EventSource['type']): void {
    this.#events.inc({ source });
  }

  gap(relay: string): void {
    this.#gaps.inc({ relay });
  }

  caughtUp(relay: string, trigger: CatchupTrigger, seconds: number, completeSince: number | undefined): void {
    this.#catchupSeconds.observe({ trigger }, seconds);
    if (completeSince !== undefined) this.#catchupCompletedAt.set({ relay }, completeSince);
  }

  negentropyRound(): void {
    this.#rounds.inc();
  }

  received(bytes: number): void {
    this.#bytes.inc({ direction: 'in' }, bytes);
  }

  sent(bytes: number): void {
    this.#bytes.inc({ direction: 'out' }, bytes);
  }

  violation(): void {
    this.#violations.inc();
  }

  deepSeconds(relay: string, count: number): void {
    this.#deepSeconds.inc({ relay }, count);
  }

  /** Gauges that are read when they are scraped. */
  watch(gauges: SyncGauges): void {
    const gauge = gaugesIn(this.#registry);
    gauge('ngit_sync_relays_tracked_total', 'Relays that are tracked', gauges.tracked);
    gauge('ngit_sync_relays_connected_total', 'Relays that are connected', gauges.connected);
    gauge('ngit_sync_relays_dead_total', 'Relays that are dead', gauges.dead);
    gauge('ngit_sync_queued_bytes', 'Bytes of remotes that wait to be looked at', gauges.queuedBytes);
    gauge('ngit_sync_memory_bytes', 'Memory of all that remotes make us hold', gauges.heldBytes);
    gauge('ngit_sync_queued_topics', 'Repositories and roots that wait for catch-up', gauges.queuedTopics);
    gauge('ngit_sync_queued_downloads', 'Ids that wait to be asked for', gauges.queuedDownloads);
    gauge('ngit_sync_live_filters', 'Filters of open live subscriptions', gauges.liveFilters);
  }
}
