import { limits } from '../../config/limits.js';
import type { Clock } from '../../lib/clock.js';
import { Slots } from '../../lib/turns/slots.js';
import type { HostBudget } from './host-budget.js';

/** The past of the relay that is to be dialled: how many tries failed in a row, and when one last succeeded. */
type Past = { readonly consecutiveFailures: number; readonly lastSuccessAt?: number | undefined };

/**
 * Limits how many dials run at once: one to each host, and over all hosts a number of retries and a number of others, so
 * that dead hosts never starve live ones. A dial that takes long goes on, but gives its place to the next.
 */
export class DialGates {
  readonly #clock: Clock;
  readonly #dials = new Slots(limits.syncDialsMax);
  readonly #retries = new Slots(limits.syncRetriesMax);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs `dial` in its turn. Rejects with the signal's reason when that aborts before. */
  async use(host: HostBudget, past: Past, signal: AbortSignal, dial: () => Promise<void>): Promise<void> {
    // A relay that was connected before does not wait for the failures of other URLs of its host.
    const isProven = past.lastSuccessAt !== undefined;
    const leaveHost = await this.#enterHost(host, isProven, signal);
    let leaveGate = () => {};
    let cancel = () => {};
    try {
      const isRetry = past.consecutiveFailures > 0 || (host.hasFailed && !isProven);
      leaveGate = await (isRetry ? this.#retries : this.#dials).enter(signal);
      cancel = this.#clock.after(limits.syncDialPlaceMsMax, () => {
        leaveGate();
        leaveHost();
      });
      await dial();
    } finally {
      cancel();
      leaveGate();
      leaveHost();
    }
  }

  async #enterHost(host: HostBudget, isProven: boolean, signal: AbortSignal): Promise<() => void> {
    for (;;) {
      const leave = await host.dials.enter(signal);
      const restMs = isProven ? 0 : host.restMs(this.#clock.monotonic());
      if (restMs <= 0) return leave;
      leave();
      await this.#clock.sleep(restMs, signal);
    }
  }
}
