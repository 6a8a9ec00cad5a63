import type { AdmissionOutcome } from '../../admission/admission.js';
import { limits } from '../../config/limits.js';
import type { NostrEvent } from '../../nostr/event.js';
import { rootKinds } from '../../nostr/kinds.js';
import type { SubscriptionContent } from '../topics/layers.js';

/** The kinds of one filter, the most telling first: what is about git only, what hangs on it, what hangs on anything. */
const kindsOfFilters: readonly (readonly number[])[] = [
  [...rootKinds, 1631, 1632, 1633],
  [5, 1111, 1985, 10317],
  [1, 6, 7, 16, 9735],
];

/** Whether a subscription is for filters by kind: they ask about no topic of ours, so nobody has to catch up with it. */
export function isByKind({ topics }: SubscriptionContent): boolean {
  return topics.length === 0;
}

/**
 * Live filters by kind (docs/sync.md §4), for a relay that has no place for filters about all topics: they bring what is
 * new about any repository, also about those that are not ours. Whether that is worth it is measured, filter by filter.
 * Times are monotonic milliseconds.
 */
export class LiveKinds {
  readonly #filters = kindsOfFilters.map((kinds) => ({ kinds, events: 0, wanted: 0, unfitUntil: 0 }));
  #failures = 0;
  /** When the remote, which ended it, is asked for them again. */
  #retryAt: number | undefined;

  get retryAt(): number | undefined {
    return this.#retryAt;
  }

  /** One subscription of the filters that are worth it, at most so many; `undefined` when none is. */
  content(filtersMax: number, now: number): SubscriptionContent | undefined {
    if (now < (this.#retryAt ?? 0)) return undefined;
    const filters = this.#filters
      .filter(({ unfitUntil }) => now >= unfitUntil)
      .slice(0, filtersMax)
      .map(({ kinds }) => ({ kinds: [...kinds] }));
    if (filters.length === 0) return undefined;
    return { topics: [], filters };
  }

  get hasFailed(): boolean {
    return this.#failures > 0;
  }

  /** Counts a failure of the subscription; gives how many there were in a row. */
  failed(): number {
    this.#failures += 1;
    return this.#failures;
  }

  /** The remote ended the subscription, and may be asked for it again at that time. */
  lost(retryAt: number): void {
    this.#retryAt = retryAt;
  }

  confirmed(): void {
    this.#failures = 0;
  }

  /** True when the remote may be asked again since the last call. */
  retry(now: number): boolean {
    if (this.#retryAt === undefined || now < this.#retryAt) return false;
    this.#retryAt = undefined;
    return true;
  }

  /** What the remote did with them is forgotten with the connection; what they are worth is not. */
  disconnected(): void {
    this.#failures = 0;
    this.#retryAt = undefined;
  }

  /** Takes what became of an event of one of them; true when that filter turns out not to be worth it, for a day. */
  count({ kind }: NostrEvent, outcome: AdmissionOutcome, now: number): boolean {
    const filter = this.#filters.find(({ kinds }) => kinds.includes(kind));
    if (filter === undefined) return false;
    filter.events += 1;
    if (outcome.type !== 'refused') filter.wanted += 1;
    if (filter.events < limits.liveKindsTrialEvents) return false;
    const isWorthIt = filter.wanted >= filter.events * limits.liveKindsWantedShareMin;
    filter.events = 0;
    filter.wanted = 0;
    if (!isWorthIt) filter.unfitUntil = now + limits.liveKindsRetryMs;
    return !isWorthIt;
  }
}
