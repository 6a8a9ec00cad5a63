import type { Subscription } from '../peer/subscription.js';
import type { Topic } from '../topics/layers.js';
import type { OpenSubscription } from '../topics/subscription.js';

/** A live subscription as it stands on one connection. */
export type LiveSubscription = OpenSubscription & {
  /** What was asked of the remote. */
  readonly request: Subscription;
  status: 'opening' | 'confirmed';
  /** Whether catch-up is told when it stands; not where others stood for its topics all the time. */
  readonly announces: boolean;
};

/** Which live subscriptions there are on one connection, and which topics they cover. */
export class LiveCoverage {
  readonly #subscriptions = new Map<string, LiveSubscription>();
  /** By topic, the newest subscription that covers it. */
  readonly #holders = new Map<Topic, LiveSubscription>();

  /** The topics whose subscription was sent and is not confirmed. */
  readonly inFlight = { has: (topic: Topic) => this.#holders.get(topic)?.status === 'opening' };
  /** The topics whose subscription the remote has confirmed. */
  readonly confirmed = { has: (topic: Topic) => this.#holders.get(topic)?.status === 'confirmed' };

  /** Whether the remote tells what is new about the topic: by a confirmed subscription, or by one that a rebuild replaces. */
  stands(topic: Topic): boolean {
    const holder = this.#holders.get(topic);
    return holder !== undefined && (holder.status === 'confirmed' || !holder.announces);
  }

  get size(): number {
    return this.#subscriptions.size;
  }

  /** Filters of all of them. */
  get filters(): number {
    let filters = 0;
    for (const each of this.#subscriptions.values()) filters += each.filters.length;
    return filters;
  }

  get isOpening(): boolean {
    return this.all().some((each) => each.status === 'opening');
  }

  /** All of them, oldest first. */
  all(): LiveSubscription[] {
    return [...this.#subscriptions.values()];
  }

  /** All topics that are covered, oldest first. */
  topics(): Set<Topic> {
    return new Set(this.all().flatMap((each) => each.topics));
  }

  get(id: string): LiveSubscription | undefined {
    return this.#subscriptions.get(id);
  }

  add(subscription: LiveSubscription): void {
    this.#subscriptions.set(subscription.id, subscription);
    for (const topic of subscription.topics) this.#holders.set(topic, subscription);
  }

  /** False when it was gone already. */
  remove(subscription: LiveSubscription): boolean {
    if (!this.#subscriptions.delete(subscription.id)) return false;
    for (const topic of subscription.topics) {
      if (this.#holders.get(topic) === subscription) this.#holders.delete(topic);
    }
    return true;
  }

  /** Whether half of what is covered is not wanted any more: then it is time to pack anew. */
  isStale(isWanted: (topic: Topic) => boolean): boolean {
    let stale = 0;
    for (const topic of this.#holders.keys()) if (!isWanted(topic)) stale += 1;
    return stale > 0 && stale * 2 >= this.#holders.size;
  }
}
