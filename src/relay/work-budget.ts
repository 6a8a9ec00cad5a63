import type { Clock } from '../lib/clock.js';
import { type Filter, filterValues } from '../nostr/filter.js';
import type { StoredEvent } from '../store/event-store.js';

/** What one client may cost, in the units of `WorkTurns`. */
export type WorkLimits = {
  readonly workUnitsPerSecond: number;
  /** What a client that asked for nothing for a while may cost at once. */
  readonly workUnitsMax: number;
};

/**
 * The work that one client causes: an amount that refills steadily. Who has used it up is not refused anything, but
 * waits behind the others; so the debt that is remembered is bounded, for it was made while nobody else asked.
 */
export class WorkBudget {
  readonly #clock: Pick<Clock, 'monotonic' | 'sleep'>;
  readonly #limits: WorkLimits;
  #units: number;
  #refilledAtMs: number;

  constructor(clock: Pick<Clock, 'monotonic' | 'sleep'>, limits: WorkLimits) {
    this.#clock = clock;
    this.#limits = limits;
    this.#units = limits.workUnitsMax;
    this.#refilledAtMs = clock.monotonic();
  }

  get isSpent(): boolean {
    this.#refill();
    return this.#units <= 0;
  }

  /** Settles when some of it is there again, if nothing more is spent meanwhile. Rejects with the signal's reason. */
  async refilled(signal: AbortSignal): Promise<void> {
    this.#refill();
    const ms = ((1 - this.#units) / this.#limits.workUnitsPerSecond) * 1000;
    if (ms > 0) await this.#clock.sleep(ms, signal);
  }

  spend(units: number): void {
    this.#refill();
    this.#units = Math.max(-this.#limits.workUnitsMax, this.#units - units);
  }

  #refill(): void {
    const nowMs = this.#clock.monotonic();
    const refill = ((nowMs - this.#refilledAtMs) * this.#limits.workUnitsPerSecond) / 1000;
    this.#units = Math.min(this.#limits.workUnitsMax, this.#units + refill);
    this.#refilledAtMs = nowMs;
  }
}

/*
 * What things cost in units of a tenth of a microsecond or so. Measured, as means over many runs in one process: reading
 * a short message (2 µs; one of many short strings takes nearly twice what is charged here), and finding and copying an
 * event of 1 KB in memory (0.4 µs; its share of the writes, about as much again, is taken from a profile). The others are
 * estimates for the worst: values that nobody asked for before.
 */

/** Reading a message, or a piece of one, that has about so many values. */
export function readingUnits(chars: number, values = 0): number {
  return 30 + chars / 8 + 4 * values;
}

/** Taking a filter into the index of open subscriptions, or out of it. */
export function subscribingUnits(filter: Filter): number {
  return 10 + 10 * filterValues(filter);
}

/** Sending stored events that are in memory; the store counts what it reads from disk. */
export function sendingUnits(events: readonly Pick<StoredEvent, 'bytes'>[]): number {
  return events.reduce((units, { bytes }) => units + 5 + bytes.length / 128, 0);
}

/** Answering a negentropy message; `size` is what it has in characters and its answer in bytes. */
export function reconcilingUnits(size: number): number {
  return 10 + size / 4;
}
