import { limits } from '../config/limits.js';
import type { QuotaNeed } from './decision.js';
import type { KeyQuotas } from './key-quotas.js';

/**
 * Events of other relays that were refused for a quota, with what they need: they are wanted once deletion, expiry or
 * replacement has given room for them. Remembered for as long as the process lives; a restart forgets the refusals
 * themselves, so that catch-up brings those events again.
 */
export class WaitingForRoom {
  readonly #quotas: KeyQuotas;
  /** By id; those that came first are first. */
  readonly #needs = new Map<string, QuotaNeed>();
  #removalsSeen = 0;

  constructor(quotas: KeyQuotas) {
    this.#quotas = quotas;
  }

  /** Remembers an event; gives the id of the one that gives way to it, where there are too many. */
  add(id: string, need: QuotaNeed): string | undefined {
    this.#needs.set(id, need);
    if (this.#needs.size <= limits.waitingForRoomEventsMax) return undefined;
    const [oldest] = this.#needs.keys();
    if (oldest !== undefined) this.#needs.delete(oldest);
    return oldest;
  }

  delete(id: string): void {
    this.#needs.delete(id);
  }

  /** The ids of those for which there is room by now, no more than there is room for; they are forgotten. */
  take(): string[] {
    const { removals } = this.#quotas;
    if (removals === this.#removalsSeen) return [];
    const fitting = [...this.#needs].filter(([, need]) => {
      if (this.#quotas.refusal(need, need.replaces) !== undefined) return false;
      this.#quotas.add(need);
      return true;
    });
    for (const [id, need] of fitting) {
      this.#quotas.remove(need);
      this.#needs.delete(id);
    }
    this.#removalsSeen = this.#quotas.removals;
    return fitting.map(([id]) => id);
  }
}
