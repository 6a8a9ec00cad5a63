import { Counter, Gauge, type Registry } from 'prom-client';
import { reaches } from '../../config/limit-use.js';

const statuses = ['healthy', 'backoff', 'dead'] as const;

/** How well a relay does, as its metric says it. */
export type RelayStatusLabel = (typeof statuses)[number];

/** The label of all relays together that have none of their own. */
export const otherRelays = 'other';

/** What is shown of one tracked relay. */
type Shown = {
  readonly isOperators: boolean;
  /** Whether its series bear its URL. */
  hasLabel: boolean;
  isConnected: boolean;
  status: RelayStatusLabel;
  failures: number;
  /** Wall-clock seconds. */
  completeSince: number | undefined;
  /** Events that it brought and that were newly stored. */
  stored: number;
  /** Of them, those that live sync should have brought. */
  gaps: number;
};

/**
 * The metrics by relay. Anybody can have us track thousands of URLs, so that those get a label only that the operator gave
 * or that were connected, a bounded number of them: when these are too many, one that is not connected gives its label up.
 * All others are summed under `other`; what was counted under a label stays there.
 */
export class RelaySeries {
  readonly #relays = new Map<string, Shown>();
  #labels = 0;
  readonly #attempts: Counter<'relay' | 'result'>;
  readonly #gaps: Counter<'relay'>;
  readonly #deepSeconds: Counter<'relay'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#attempts = new Counter({
      name: 'ngit_sync_connection_attempts_total',
      help: 'Attempts to connect to the relay, by result',
      labelNames: ['relay', 'result'],
      registers,
    });
    this.#gaps = new Counter({
      name: 'ngit_sync_gap_events_total',
      help: 'Events found by catch-up that live sync should have brought',
      labelNames: ['relay'],
      registers,
    });
    this.#deepSeconds = new Counter({
      name: 'ngit_sync_deep_seconds_total',
      help: 'Seconds of which a relay without negentropy may hold more events than can be asked for',
      labelNames: ['relay'],
      registers,
    });
    this.#showGauges(registers);
  }

  /** A relay is tracked from now on. */
  track(relay: string, isOperators: boolean): void {
    const shown: Shown = {
      isOperators,
      hasLabel: false,
      isConnected: false,
      status: 'backoff',
      failures: 0,
      completeSince: undefined,
      stored: 0,
      gaps: 0,
    };
    this.#relays.set(relay, shown);
    if (isOperators) this.#giveLabel(relay, shown);
  }

  /** A relay is not tracked any more: no series of it stays. */
  forget(relay: string): void {
    const shown = this.#relays.get(relay);
    this.#relays.delete(relay);
    if (shown?.hasLabel === true) this.#takeLabel(relay, shown);
  }

  attempted(relay: string, result: 'success' | 'failure'): void {
    const shown = this.#relays.get(relay);
    if (result === 'success' && shown?.hasLabel === false) this.#giveLabel(relay, shown);
    this.#attempts.inc({ relay: this.#labelOf(relay), result });
  }

  setConnected(relay: string, isConnected: boolean): void {
    const shown = this.#relays.get(relay);
    if (shown !== undefined) shown.isConnected = isConnected;
  }

  setHealth(relay: string, status: RelayStatusLabel, failures: number): void {
    const shown = this.#relays.get(relay);
    if (shown !== undefined) Object.assign(shown, { status, failures });
  }

  setComplete(relay: string, since: number): void {
    const shown = this.#relays.get(relay);
    if (shown !== undefined) shown.completeSince = since;
  }

  /** An event that it brought is newly stored. */
  stored(relay: string): void {
    const shown = this.#relays.get(relay);
    if (shown !== undefined) shown.stored += 1;
  }

  /** What it has brought since it is tracked. */
  broughtBy(relay: string): { readonly stored: number; readonly gaps: number } {
    const { stored, gaps } = this.#relays.get(relay) ?? { stored: 0, gaps: 0 };
    return { stored, gaps };
  }

  gap(relay: string): void {
    const shown = this.#relays.get(relay);
    if (shown !== undefined) shown.gaps += 1;
    this.#gaps.inc({ relay: this.#labelOf(relay) });
  }

  deepSeconds(relay: string, count: number): void {
    this.#deepSeconds.inc({ relay: this.#labelOf(relay) }, count);
  }

  #labelOf(relay: string): string {
    return this.#relays.get(relay)?.hasLabel === true ? relay : otherRelays;
  }

  #giveLabel(relay: string, shown: Shown): void {
    if (reaches('syncRelayLabelsMax', this.#labels)) this.#freeLabel();
    if (reaches('syncRelayLabelsMax', this.#labels)) return;
    shown.hasLabel = true;
    this.#labels += 1;
    this.#attempts.inc({ relay, result: 'success' }, 0);
    this.#attempts.inc({ relay, result: 'failure' }, 0);
    this.#gaps.inc({ relay }, 0);
  }

  #freeLabel(): void {
    for (const [relay, shown] of this.#relays) {
      if (!shown.hasLabel || shown.isOperators || shown.isConnected) continue;
      this.#takeLabel(relay, shown);
      return;
    }
  }

  #takeLabel(relay: string, shown: Shown): void {
    shown.hasLabel = false;
    this.#labels -= 1;
    for (const result of ['success', 'failure']) this.#attempts.remove({ relay, result });
    this.#gaps.remove({ relay });
    this.#deepSeconds.remove({ relay });
  }

  /** Gauges are written when they are read. */
  #showGauges(registers: Registry[]): void {
    const show = (name: string, help: string, of: (shown: Shown) => number) => {
      const series = () => this.#sums(of);
      new Gauge({
        name,
        help,
        labelNames: ['relay'],
        registers,
        collect() {
          this.reset();
          for (const [relay, value] of series()) this.set({ relay }, value);
        },
      });
    };
    show('ngit_sync_relay_connected', '1 while connected to the relay, else 0', ({ isConnected }) =>
      Number(isConnected),
    );
    show('ngit_sync_relay_failures', 'Consecutive failures of the relay', ({ failures }) => failures);
    const statusSeries = (status: RelayStatusLabel) => this.#sums((shown) => Number(shown.status === status));
    new Gauge({
      name: 'ngit_sync_relay_status',
      help: '1 for the current status of the relay, 0 for the others',
      labelNames: ['relay', 'status'],
      registers,
      collect() {
        this.reset();
        for (const status of statuses)
          for (const [relay, value] of statusSeries(status)) this.set({ relay, status }, value);
      },
    });
    const completions = () => this.#completions();
    new Gauge({
      name: 'ngit_sync_catchup_completed_timestamp_seconds',
      help: 'When the last complete catch-up with the relay began; of the others together, the oldest',
      labelNames: ['relay'],
      registers,
      collect() {
        this.reset();
        for (const [relay, seconds] of completions()) this.set({ relay }, seconds);
      },
    });
  }

  /** A value by label, that of the others as their sum. */
  #sums(of: (shown: Shown) => number): Map<string, number> {
    const sums = new Map<string, number>();
    for (const [relay, shown] of this.#relays) {
      const label = shown.hasLabel ? relay : otherRelays;
      sums.set(label, (sums.get(label) ?? 0) + of(shown));
    }
    return sums;
  }

  #completions(): Map<string, number> {
    const oldest = new Map<string, number>();
    for (const [relay, { hasLabel, completeSince }] of this.#relays) {
      const label = hasLabel ? relay : otherRelays;
      if (completeSince !== undefined)
        oldest.set(label, Math.min(completeSince, oldest.get(label) ?? completeSince));
    }
    return oldest;
  }
}
