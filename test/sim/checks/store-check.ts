import type { AcceptedEvent } from '../../../src/admission/admission.js';
import { eventJson, type NostrEvent } from '../../../src/nostr/event.js';
import { Departures } from '../oracle/completeness.js';
import type { KeptEvents } from '../oracle/kept-events.js';
import { isEarly } from '../oracle/policy-model.js';
import { addressKey } from '../relay/event-set.js';

/** Watches what is stored: only what may be, whole, once, and counted by its source. */
export class StoreCheck {
  readonly #acceptable: KeptEvents;
  readonly #nowSeconds: () => number;
  readonly #report: (what: string) => void;
  /** What this life stored, by source. */
  bySource = new Map<string, number>();

  constructor(acceptable: KeptEvents, nowSeconds: () => number, report: (what: string) => void) {
    this.#acceptable = acceptable;
    this.#nowSeconds = nowSeconds;
    this.#report = report;
  }

  /** How many events of the world could be stored at all. */
  get acceptableEvents(): number {
    return this.#acceptable.byId.size;
  }

  startLife(): void {
    this.bySource = new Map();
  }

  onAccepted({ event, json, source, stored }: AcceptedEvent): void {
    if (!stored) return;
    this.bySource.set(source.type, (this.bySource.get(source.type) ?? 0) + 1);
    const original = this.#acceptable.byId.get(event.id);
    if (original === undefined) this.#report(`stored what is not acceptable: ${eventJson(event)}`);
    else if (isEarly(event, this.#nowSeconds())) this.#report(`stored ${event.id} before its time`);
    else if (json !== eventJson(original)) this.#report(`stored ${event.id} otherwise than it was signed`);
  }

  /** Whether what is stored now is consistent in itself. */
  checkStored(stored: readonly NostrEvent[]): void {
    const departures = new Departures(stored);
    const addresses = new Set<string>();
    for (const event of stored) {
      const address = addressKey(event);
      if (address !== undefined && addresses.has(address)) this.#report(`two events at ${address}`);
      if (address !== undefined) addresses.add(address);
      if (departures.isReplaced(event)) this.#report(`${event.id} is stored beside what replaces it`);
      if (departures.isDeleted(event)) this.#report(`${event.id} is stored beside its deletion`);
    }
  }
}
