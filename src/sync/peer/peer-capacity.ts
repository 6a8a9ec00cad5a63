import { Slots } from '../../lib/turns/slots.js';
import type { SyncLogger } from '../report/logger.js';
import { fewerFilters, fewerSubscriptions, type RelayLimits } from './relay-limits.js';

/** What one remote takes on one connection: what it published, less what it turned out not to take. */
export class PeerCapacity {
  /** Places for downloads and pages; and for negentropy sessions. */
  readonly requests: Slots;
  readonly sessions: Slots;
  readonly #relay: string;
  readonly #logger: SyncLogger;
  readonly #listeners: (() => void)[] = [];
  #limits: RelayLimits;

  constructor(parts: { readonly relay: string; readonly limits: RelayLimits; readonly logger: SyncLogger }) {
    this.#relay = parts.relay;
    this.#logger = parts.logger;
    this.#limits = parts.limits;
    this.requests = new Slots(parts.limits.requests);
    this.sessions = new Slots(parts.limits.negentropySessions);
  }

  get limits(): RelayLimits {
    return this.#limits;
  }

  /** Calls `listener` whenever the limits became less. */
  onTightened(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /**
   * The remote took fewer subscriptions, of which `open` are open, or filters in one, than it was thought to. False when
   * it is the least already.
   */
  tighten(what: 'subscriptions' | 'filters', open: number): boolean {
    const before = this.#limits;
    this.#limits = what === 'filters' ? fewerFilters(before) : fewerSubscriptions(before, open);
    const { subscriptions, filtersPerSubscription, requests, negentropySessions } = this.#limits;
    if (subscriptions === before.subscriptions && filtersPerSubscription === before.filtersPerSubscription) {
      return false;
    }
    this.requests.resize(requests);
    this.sessions.resize(negentropySessions);
    this.#logger.info({ relay: this.#relay, limits: this.#limits }, 'relay takes less than thought');
    for (const listener of this.#listeners) listener();
    return true;
  }
}
