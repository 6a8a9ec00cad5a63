import { Counter, Histogram, type Registry } from 'prom-client';
import { gaugesIn } from '../lib/gauge.js';
import { ReasonCounts } from '../store/refused/reason-counts.js';
import type { AdmissionOutcome, EventSource } from './admission.js';

/** What the one door shows of itself. */
export class AdmissionMetrics {
  /** Those that were refused, by reason. */
  readonly refusals = new ReasonCounts();
  /** By source and outcome; given to the counter when it is read, for a labelled counter costs microseconds. */
  readonly #counts = new Map<EventSource['type'], Map<AdmissionOutcome['type'], number>>();
  readonly #failures: Counter;
  readonly #writeSeconds: Histogram;
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
    const counts = this.#counts;
    new Counter({
      name: 'ngit_admission_events_total',
      help: 'Events that came to admission, by source and by what became of them',
      labelNames: ['source', 'outcome'],
      registers: [registry],
      collect() {
        this.reset();
        for (const [source, outcomes] of counts)
          for (const [outcome, count] of outcomes) this.inc({ source, outcome }, count);
      },
    });
    this.#failures = new Counter({
      name: 'ngit_admission_event_failures_total',
      help: 'Events that made policy, store, verifier or a listener fail: faults of ours, each with a line in the log',
      registers: [registry],
    });
    this.#writeSeconds = new Histogram({
      name: 'ngit_admission_write_seconds',
      help: 'From the decision to store the first event of a write until that write is on disk',
      buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3],
      registers: [registry],
    });
  }

  countOutcome(source: EventSource['type'], outcome: AdmissionOutcome): void {
    if (outcome.type === 'refused') this.refusals.count(outcome.reason);
    const outcomes = this.#counts.get(source) ?? new Map<AdmissionOutcome['type'], number>();
    this.#counts.set(source, outcomes);
    outcomes.set(outcome.type, (outcomes.get(outcome.type) ?? 0) + 1);
  }

  countFailure(): void {
    this.#failures.inc();
  }

  /** Starts the clock of a write; call the result when it is on disk. */
  startWrite(): () => void {
    return this.#writeSeconds.startTimer();
  }

  /** Gauges that are read when they are scraped. */
  watch(gauges: { readonly queuedEvents: () => number; readonly hotBytes: () => number }): void {
    const gauge = gaugesIn(this.#registry);
    gauge(
      'ngit_admission_queued_events',
      'Events that wait for the check of id and signature',
      gauges.queuedEvents,
    );
    gauge('ngit_admission_hot_bytes', 'Bytes of refused events that are kept at hand', gauges.hotBytes);
  }
}
