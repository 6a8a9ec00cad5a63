import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { gaugesIn } from '../lib/gauge.js';

const outcomes = [
  'stored',
  'held',
  'known',
  'superseded',
  'ephemeral',
  'refused',
  'rate_limited',
  'invalid',
  'failed',
] as const;
const requestTypes = ['req', 'count', 'negentropy'] as const;
const dropReasons = ['slow', 'silent', 'full', 'memory', 'violations', 'fault'] as const;

/** What became of an event that a client sent. */
export type PublishOutcome = (typeof outcomes)[number];

export type RequestType = (typeof requestTypes)[number];

/** Why the relay ended a connection. */
export type DropReason = (typeof dropReasons)[number];

/** The relay's own metrics. One instance for one registry. */
export class RelayMetrics {
  readonly connections: Gauge;
  readonly subscriptions: Gauge;
  readonly negentropySessions: Gauge;
  readonly querySeconds: Histogram;
  readonly deliveries: Counter;
  readonly events: Counter<'outcome'>;
  readonly requests: Counter<'type'>;
  readonly dropped: Counter<'reason'>;
  readonly bytes: Counter<'direction'>;
  readonly bytesIn: Counter.Internal;
  readonly bytesOut: Counter.Internal;
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
    const registers = [registry];
    this.connections = new Gauge({
      name: 'ngit_relay_connections',
      help: 'Open client connections',
      registers,
    });
    this.subscriptions = new Gauge({
      name: 'ngit_relay_subscriptions',
      help: 'Open subscriptions of clients',
      registers,
    });
    this.negentropySessions = new Gauge({
      name: 'ngit_relay_negentropy_sessions',
      help: 'Open negentropy sessions of clients',
      registers,
    });
    this.querySeconds = new Histogram({
      name: 'ngit_relay_query_seconds',
      help: 'Time from the start of a REQ to its EOSE, waiting for the client included',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    });
    this.deliveries = new Counter({
      name: 'ngit_relay_deliveries_total',
      help: 'Live events sent to subscriptions',
      registers,
    });
    this.events = new Counter({
      name: 'ngit_relay_events_total',
      help: 'Events that clients published, by outcome',
      labelNames: ['outcome'],
      registers,
    });
    this.requests = new Counter({
      name: 'ngit_relay_requests_total',
      help: 'Requests that clients made, by type',
      labelNames: ['type'],
      registers,
    });
    this.dropped = new Counter({
      name: 'ngit_relay_clients_dropped_total',
      help: 'Clients that were refused or dropped: slow readers, silent ones, because the relay was full, or its memory for clients, because they sent too much that cannot be read or is above their rates, or by a fault of ours',
      labelNames: ['reason'],
      registers,
    });
    this.bytes = new Counter({
      name: 'ngit_relay_bytes_total',
      help: 'Bytes on the sockets of clients, by direction (in, out)',
      labelNames: ['direction'],
      registers,
    });
    this.bytesIn = this.bytes.labels('in');
    this.bytesOut = this.bytes.labels('out');
    // Each series is there from the start, so that its first count is seen as growth.
    for (const outcome of outcomes) this.events.inc({ outcome }, 0);
    for (const type of requestTypes) this.requests.inc({ type }, 0);
    for (const reason of dropReasons) this.dropped.inc({ reason }, 0);
  }

  /** Shows the memory that clients make the relay hold, read when it is scraped. */
  watchMemory(bytes: () => number): void {
    const help = 'Memory of filters, requests, events and send queues of clients, of --client-memory-max-mb';
    gaugesIn(this.#registry)('ngit_relay_client_memory_bytes', help, bytes);
  }
}
