import { Counter, Histogram, type Registry } from 'prom-client';
import type { EventSource } from '../../admission/admission.js';
import { isFromRelay } from '../../admission/sources.js';
import { gaugesIn } from '../../lib/gauge.js';
import type { CatchupTrigger } from '../topics/layers.js';
import { RelaySeries } from './relay-series.js';

const sources: readonly EventSource['type'][] = ['direct', 'import', 'live_sync', 'catchup', 'daily_catchup'];

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
  /** Those by relay. */
  readonly relays: RelaySeries;
  readonly #registry: Registry;
  readonly #events: Counter<'source'>;
  readonly #catchupSeconds: Histogram<'trigger'>;
  readonly #rounds: Counter;
  readonly #bytes: Counter<'direction'>;
  readonly #violations: Counter;

  constructor(registry: Registry) {
    this.#registry = registry;
    const registers = [registry];
    this.relays = new RelaySeries(registry);
    this.#events = new Counter({
      name: 'ngit_sync_events_total',
      help: 'Newly stored events, by source',
      labelNames: ['source'],
      registers,
    });
    for (const source of sources) this.#events.inc({ source }, 0);
    this.#catchupSeconds = new Histogram({
      name: 'ngit_sync_catchup_duration_seconds',
      help: 'From the begin of a catch-up with one relay until all of it was stored',
      labelNames: ['trigger'],
      buckets: [1, 5, 15, 60, 300, 900, 3600, 14400],
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
  }

  stored(source: EventSource): void {
    this.#events.inc({ source: source.type });
    if (isFromRelay(source)) this.relays.stored(source.relay);
  }

  caughtUp(relay: string, trigger: CatchupTrigger, seconds: number, completeSince: number | undefined): void {
    this.#catchupSeconds.observe({ trigger }, seconds);
    if (completeSince !== undefined) this.relays.setComplete(relay, completeSince);
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
