import { Counter, Gauge, type Registry } from 'prom-client';
import { gaugesIn } from '../lib/gauge.js';
import { kinds } from '../nostr/kinds.js';
import type { HeldScope } from './held-counts.js';
import type { HeldEvent, ReleaseCause } from './held-event.js';

/** What is read when metrics are scraped. */
export type PurgatoryGauges = {
  all(): Iterable<HeldEvent>;
  bytes(): number;
  /** From 0 to 1. */
  fullness(): number;
  awaited(): number;
  nowMs(): number;
};

/** What is held, and what became of it. */
export class PurgatoryMetrics {
  readonly #registry: Registry;
  readonly #released: Counter<'cause'>;
  readonly #refused: Counter<'limit'>;

  constructor(registry: Registry) {
    this.#registry = registry;
    this.#released = new Counter({
      name: 'ngit_purgatory_released_total',
      help: 'Held events whose holding ended, by cause: promoted, expired, deleted or replaced',
      labelNames: ['cause'],
      registers: [registry],
    });
    this.#refused = new Counter({
      name: 'ngit_purgatory_refused_total',
      help: 'Events that were refused because too much is held, of one key, from one address or in all',
      labelNames: ['limit'],
      registers: [registry],
    });
  }

  countRelease(cause: ReleaseCause): void {
    this.#released.inc({ cause });
  }

  countRefusal(limit: HeldScope): void {
    this.#refused.inc({ limit });
  }

  watch({ all, bytes, fullness, awaited, nowMs }: PurgatoryGauges): void {
    new Gauge({
      name: 'ngit_purgatory_events',
      help: 'Events that are held, by kind',
      labelNames: ['kind'],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const { event } of all()) this.inc({ kind: heldKindLabel(event.kind) });
      },
    });
    const gauge = gaugesIn(this.#registry);
    gauge('ngit_purgatory_bytes', 'Bytes of the events that are held', bytes);
    gauge(
      'ngit_purgatory_full_ratio',
      'Share of the events, bytes or repositories that may be held which is held, whichever is the most',
      fullness,
    );
    gauge(
      'ngit_purgatory_oldest_seconds',
      'Age of the event that has been held longest; 0 without one',
      () => {
        let oldestMs = nowMs();
        for (const { heldAtMs } of all()) oldestMs = Math.min(oldestMs, heldAtMs);
        return (nowMs() - oldestMs) / 1000;
      },
    );
    gauge('ngit_purgatory_awaited_refs', 'Refs refs/nostr/<event id> whose events have not come', awaited);
  }
}

const namedKinds: readonly number[] = [
  kinds.repositoryAnnouncement,
  kinds.repositoryState,
  kinds.pullRequest,
  kinds.pullRequestUpdate,
];

/** A kind as it is counted: those of strangers are one. */
export function heldKindLabel(kind: number): string {
  return namedKinds.includes(kind) ? String(kind) : 'other';
}
