import { noteUse } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import { PartyShares } from '../lib/collections/party-shares.js';
import { relayHost } from '../nostr/relay-url.js';
import type { QuotaNeed } from './decision.js';
import type { KeyQuotas } from './key-quotas.js';

/**
 * Events of other relays that were refused for a quota, with what they need: they are wanted once deletion, expiry or
 * replacement has given room for them, or the operator. Their signatures were checked. Remembered for as long as the process lives; a
 * restart forgets the refusals themselves, so that catch-up brings those events again.
 */
export class WaitingForRoom {
  readonly #quotas: KeyQuotas;
  /** By id, the host that sent each being the party. */
  readonly #needs = new PartyShares<QuotaNeed>(limits.waitingForRoomEventsMax);
  #changesSeen = 0;

  constructor(quotas: KeyQuotas) {
    this.#quotas = quotas;
  }

  /** Remembers an event that a relay sent; gives the id of the one that gives way to it, where there are too many. */
  add(id: string, need: QuotaNeed, relay: string): string | undefined {
    const forgotten = this.#needs.add(id, need, relayHost(relay));
    noteUse('waitingForRoomEventsMax', this.#needs.size);
    return forgotten;
  }

  delete(id: string): void {
    this.#needs.delete(id);
  }

  /** The ids of those for which there is room by now, no more than there is room for; they are forgotten. */
  take(): string[] {
    if (this.#quotas.changes === this.#changesSeen) return [];
    const fitting: QuotaNeed[] = [];
    const ids = this.#needs.keysOf((need) => {
      if (this.#quotas.refusal(need, need.replaces) !== undefined) return false;
      this.#quotas.add(need);
      fitting.push(need);
      return true;
    });
    for (const need of fitting) this.#quotas.remove(need);
    for (const id of ids) this.#needs.delete(id);
    this.#changesSeen = this.#quotas.changes;
    return ids;
  }
}
