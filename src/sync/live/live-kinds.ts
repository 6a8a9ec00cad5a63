import type { AdmissionOutcome } from '../../admission/admission.js';
import { limits } from '../../config/limits.js';
import type { NostrEvent } from '../../nostr/event.js';
import { rootKinds } from '../../nostr/kinds.js';
import type { Topic } from '../topics/layers.js';
import type { SubscriptionContent } from '../topics/subscription.js';

/** The kinds of one filter, the most telling first: what is about git only, what hangs on it, what hangs on anything. */
const kindsOfFilters: readonly (readonly number[])[] = [
  [...rootKinds, 1631, 1632, 1633],
  [5, 1111, 1985, 10317],
  [1, 6, 7, 16, 9735],
];

/** Stands for filters by kind among the topics of a subscription. */
const sign = '#';

/** Whether a topic only stands for filters by kind: nobody has to catch up with it. */
export function isKindsTopic(topic: Topic): boolean {
  return topic.startsWith(sign);
}

/**
 * Live filters by kind (docs/sync.md §4), for a relay that has no place for filters about all topics: they bring what is
 * new about any repository, also about those that are not ours. Whether that is worth it is measured, filter by filter.
 * Times are monotonic milliseconds.
 */
export class LiveKinds {
  readonly #filters = kindsOfFilters.map((kinds) => ({ kinds, events: 0, wanted: 0, unfitUntil: 0 }));

  /** One subscription of the filters that are worth it, at most so many; `undefined` when none is. */
  content(filtersMax: number, now: number): SubscriptionContent | undefined {
    const filters = this.#filters
      .filter(({ unfitUntil }) => now >= unfitUntil)
      .slice(0, filtersMax)
      .map(({ kinds }) => ({ kinds: [...kinds] }));
    if (filters.length === 0) return undefined;
    return { topics: [sign + filters.map(({ kinds }) => kinds.join()).join(sign)], filters };
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
