import type { Clock } from '../../lib/clock.js';
import type { SyncSettings } from '../settings.js';

/**
 * When each relay has its daily catch-up (docs/sync.md §5): once per interval at a time of its own, the relays a
 * stagger apart from each other. Times are steady: they do not move with how long a catch-up takes.
 */
export class DailySchedule {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #staggerMs: number;
  readonly #startedAt: number;
  readonly #places = new Map<number, string>();

  constructor(clock: Clock, settings: Pick<SyncSettings, 'dailyIntervalMs' | 'dailyStaggerMs'>) {
    this.#clock = clock;
    this.#intervalMs = settings.dailyIntervalMs;
    this.#staggerMs = settings.dailyStaggerMs;
    this.#startedAt = clock.monotonic();
  }

  /** Gives a relay the first free place of the day; `task` runs at its times until the returned function is called. */
  add(relay: string, task: () => void): () => void {
    let place = 0;
    while (this.#places.has(place)) place += 1;
    this.#places.set(place, relay);
    let cancel = () => {};
    const wait = () => {
      const dueMs = nextDueMs(this.#elapsedMs(), place, this.#intervalMs, this.#staggerMs);
      cancel = this.#clock.after(dueMs - this.#elapsedMs(), () => {
        wait();
        task();
      });
    };
    wait();
    return () => {
      cancel();
      this.#places.delete(place);
    };
  }

  #elapsedMs(): number {
    return this.#clock.monotonic() - this.#startedAt;
  }
}

/** The next due time after `elapsedMs`, not before one whole interval has passed; milliseconds since the start. */
export function nextDueMs(elapsedMs: number, place: number, intervalMs: number, staggerMs: number): number {
  const offsetMs = (place * staggerMs) % intervalMs;
  const periods = Math.max(1, Math.floor((elapsedMs - offsetMs) / intervalMs) + 1);
  return offsetMs + periods * intervalMs;
}
