import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { limits } from '../../config/limits.js';
import type { Clock } from '../../lib/clock.js';
import { gaugesIn } from '../../lib/gauge.js';
import type { OpenedStore } from '../../store/opened-store.js';

export type StoreOutageParts = {
  readonly opened: Pick<OpenedStore, 'outage'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly registry: Registry;
};

/**
 * Watches whether writes wait for a database that is away. When they have for `limits.databaseWaitMsMax`, no events are to be
 * taken, and those who wait are told so; what waits is written when the database is back, and all goes on by itself.
 */
export class StoreOutage {
  readonly #parts: StoreOutageParts;
  readonly #listeners = new Set<(isAway: boolean) => void>();
  #reason: string | undefined;

  constructor(parts: StoreOutageParts) {
    this.#parts = parts;
    gaugesIn(parts.registry)(
      'ngit_store_away',
      'Whether no events are taken, for the database has taken no writes for a while',
      () => Number(this.#reason !== undefined),
    );
  }

  /** Why the database takes nothing; `undefined` when it does. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** Calls the listener at each change. */
  onChange(listener: (isAway: boolean) => void): void {
    this.#listeners.add(listener);
  }

  /** Looks again and again, until the signal aborts; at once over where the database cannot be away. */
  async watch(signal: AbortSignal): Promise<void> {
    const { opened, clock } = this.#parts;
    while (opened.outage !== undefined && !signal.aborted) {
      await clock.sleep(limits.storeOutageLookMs, signal).catch(() => {});
      if (!signal.aborted) this.look();
    }
  }

  look(): void {
    const { opened, clock, logger } = this.#parts;
    const outage = opened.outage?.();
    const isAway = outage !== undefined && clock.monotonic() - outage.sinceMs >= limits.databaseWaitMsMax;
    if (isAway === (this.#reason !== undefined)) return;
    this.#reason = isAway ? outage.reason : undefined;
    if (isAway)
      logger.error({ reason: outage.reason }, 'the database is away: no events are taken until it is back');
    else logger.info({}, 'the database is back: events are taken');
    for (const listener of this.#listeners) listener(isAway);
  }
}
