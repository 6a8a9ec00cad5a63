import { smallest } from '../../lib/collections/lists.js';
import type { CatchupTopics } from './catchup-topics.js';
import type { SubscriptionContent, Topic } from './layers.js';
import {
  coveredBy,
  isWanted,
  stands,
  type TopicState,
  type TopicStates,
  withCovered,
  withoutSubscription,
} from './topic-state.js';

/** What happens to the live subscriptions of one connection, in a table of topics. */
export class LiveTopics {
  readonly #states: TopicStates;
  readonly #catchup: CatchupTopics;
  #retries: { readonly at: number; readonly topics: readonly Topic[] }[] = [];

  constructor(states: TopicStates, catchup: CatchupTopics) {
    this.#states = states;
    this.#catchup = catchup;
  }

  /** What is to be asked for in the next step: what is wanted, and neither in flight nor confirmed. */
  get missing(): ReadonlySet<Topic> {
    return this.#states.missing;
  }

  /** For what the remote has no place. */
  get uncovered(): ReadonlySet<Topic> {
    return this.#states.uncovered;
  }

  /** How many topics subscriptions ask about. */
  get covered(): number {
    return this.#states.covered;
  }

  /** Whether nothing that subscriptions ask about is wanted no more, so that packing them anew gives no room. */
  get isTight(): boolean {
    return this.#states.leftovers === 0;
  }

  /** Whether half of what subscriptions ask about is not wanted any more: then it is time to pack anew. */
  get isStale(): boolean {
    const { covered, leftovers } = this.#states;
    return leftovers > 0 && leftovers * 2 >= covered;
  }

  /** A subscription was sent. */
  opened(subscription: SubscriptionContent): void {
    this.#states.change(subscription.topics, (state) => {
      const stood = state !== undefined && stands(state);
      return withCovered(state, { type: 'opening', subscription, stood });
    });
  }

  /** The remote confirmed it. `now` in wall-clock seconds. */
  confirmed(subscription: SubscriptionContent, now: number): void {
    this.#states.change(subscription.topics, (state) => {
      if (state === undefined || !isHeldBy(state, subscription)) return state;
      const live = withCovered(state, { type: 'live', subscription });
      if (!isWanted(state)) return live;
      const opened = { ...live, openedAt: state.openedAt ?? now };
      return stands(state) ? opened : this.#catchup.allow(opened);
    });
  }

  /** We closed it. */
  closed(subscription: SubscriptionContent): void {
    this.#states.change(subscription.topics, (state) =>
      state !== undefined && isHeldBy(state, subscription) ? withoutSubscription(state) : state,
    );
  }

  /**
   * The remote ended it, or did not answer: its topics are as live as they can be for now, so catch-up need not wait. It
   * comes again when they are live. `wasStable`: it had stood for a while, so that earlier failures count no more.
   */
  lost(subscription: SubscriptionContent, wasStable: boolean): void {
    this.#states.change(subscription.topics, (state) => {
      if (state === undefined) return undefined;
      if (isHeldBy(state, subscription)) {
        const missing = withoutSubscription(wasStable ? { ...state, failures: 0 } : state);
        return missing && this.#catchup.allow(missing);
      }
      // It stood for the topic while a newer one was being opened; from here to there something may be missed.
      const covered = coveredBy(state);
      if (covered?.type !== 'opening' || !covered.stood) return state;
      const alone = withCovered(state, { ...covered, stood: false });
      return isWanted(state) ? this.#catchup.allow(alone) : alone;
    });
  }

  hasFailed(topics: readonly Topic[]): boolean {
    return topics.some((topic) => (this.#states.get(topic)?.failures ?? 0) > 0);
  }

  /** Counts a failure of what is missing of these topics. */
  failed(topics: readonly Topic[]): void {
    this.#states.change(topics, (state) =>
      state?.live.type === 'missing' ? { ...state, failures: state.failures + 1 } : state,
    );
  }

  /** These failed, and are asked for again when `retryAt` says, for the most failures that one of them has by now. */
  failedUntil(topics: readonly Topic[], retryAt: (failures: number) => number): void {
    this.failed(topics);
    const failures = topics.reduce(
      (most, topic) => Math.max(most, this.#states.get(topic)?.failures ?? 0),
      1,
    );
    const at = retryAt(failures);
    this.#states.change(topics, (state) =>
      state?.live.type === 'missing' ? { ...state, live: { type: 'retrying', at } } : state,
    );
    this.#retries.push({ at, topics });
  }

  /** When `retry` has something to do, in monotonic milliseconds. */
  get nextRetryAt(): number | undefined {
    return this.#retries.length === 0 ? undefined : smallest(this.#retries.map(({ at }) => at));
  }

  /** What is to be asked for again by now is missing. */
  retry(now: number): void {
    const due = this.#retries.filter(({ at }) => at <= now);
    if (due.length === 0) return;
    this.#retries = this.#retries.filter(({ at }) => at > now);
    for (const { topics } of due) {
      this.#states.change(topics, (state) =>
        state?.live.type === 'retrying' && state.live.at <= now
          ? { ...state, live: { type: 'missing' } }
          : state,
      );
    }
  }

  /** There is no place for these: they are caught up only, though they may still be in subscriptions about to go. */
  leftUncovered(topics: readonly Topic[]): void {
    this.#states.change(topics, (state) =>
      state !== undefined && isWanted(state)
        ? this.#catchup.allow({ ...state, live: { type: 'uncovered' } })
        : state,
    );
  }

  disconnected(): void {
    this.#retries = [];
  }
}

function isHeldBy(state: TopicState, subscription: SubscriptionContent): boolean {
  return coveredBy(state)?.subscription === subscription;
}
