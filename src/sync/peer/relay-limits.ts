import { limits } from '../../config/limits.js';
import { Slots } from '../../lib/turns/slots.js';
import type { RelayInformation } from '../dial/transport.js';
import type { SyncLogger } from '../report/logger.js';

/** What one remote takes (docs/sync.md §2): from its NIP-11 document, else the cautious defaults. */
export type RelayLimits = {
  /** Open subscriptions, live ones and requests together. */
  readonly subscriptions: number;
  /** Of those, the most that live sync may hold; the rest is kept for catch-up. */
  readonly liveSubscriptions: number;
  /** Downloads and pages at the same time. */
  readonly requests: number;
  readonly negentropySessions: number;
  readonly filtersPerSubscription: number;
  readonly messageBytes: number;
  /** Most events that it answers one filter with, if it says so. */
  readonly eventsPerFilter: number | undefined;
};

/** Reads the limits out of a NIP-11 document. */
export function relayLimits(information: RelayInformation | undefined): RelayLimits {
  const subscriptions = information?.maxSubscriptions ?? limits.remoteSubscriptionsDefault;
  const filters = information?.maxFilters ?? limits.remoteFiltersDefault;
  const messageBytes = information?.maxMessageBytes ?? limits.remoteMessageBytesDefault;
  // Several sessions only where the remote says how much it takes.
  const sessions = information?.maxSubscriptions === undefined ? 1 : Math.floor(subscriptions / 5);
  return {
    ...share(subscriptions, Math.min(Math.max(sessions, 1), limits.remoteNegentropySessionsMax)),
    filtersPerSubscription: filters,
    messageBytes: Math.min(messageBytes, limits.remoteMessageBytesMax),
    eventsPerFilter: information?.maxLimit,
  };
}

/**
 * The limits after the remote said that there were too many subscriptions, though fewer were open than it was thought
 * to take.
 */
export function fewerSubscriptions(current: RelayLimits, openSubscriptions: number): RelayLimits {
  const subscriptions = Math.max(1, Math.min(current.subscriptions - 1, openSubscriptions - 1));
  return { ...current, ...share(subscriptions, Math.min(current.negentropySessions, subscriptions)) };
}

/** The limits after the remote said that one REQ had too many filters. */
export function fewerFilters(current: RelayLimits): RelayLimits {
  return { ...current, filtersPerSubscription: Math.max(1, Math.floor(current.filtersPerSubscription / 2)) };
}

/** Divides the subscriptions between live sync, downloads and negentropy; requests come first where there is one only. */
function share(
  subscriptions: number,
  negentropySessions: number,
): Pick<RelayLimits, 'subscriptions' | 'liveSubscriptions' | 'requests' | 'negentropySessions'> {
  const requests = Math.min(Math.max(1, Math.floor(subscriptions / 4)), limits.remoteRequestsMax);
  const sessions = subscriptions > 2 ? negentropySessions : 0;
  const liveSubscriptions = Math.max(0, subscriptions - requests - sessions);
  return { subscriptions, liveSubscriptions, requests, negentropySessions: Math.max(1, sessions) };
}

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
