import type { Logger } from 'pino';
import { KernelMemoryError } from '../kernels/errors.js';
import type { Clock } from '../lib/clock.js';
import { errorMessage } from '../lib/errors.js';
import { type Filter, isEmptyFilter } from '../nostr/filter.js';
import type { EventStore } from '../store/event-store.js';
import type { AnnouncementBarrier } from './announcement-barrier.js';
import { closedFrame } from './frames.js';
import { ClientGoneError, type Outbox } from './outbox.js';
import type { RelayMetrics } from './relay-metrics.js';
import type { RequestLane } from './request-lane.js';
import { type LiveBufferLimits, Subscription } from './subscription.js';
import type { SubscriptionHub } from './subscription-hub.js';

export type SubscriptionServices = {
  readonly store: Pick<EventStore, 'query'>;
  readonly hub: SubscriptionHub;
  readonly barrier: AnnouncementBarrier;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: RelayMetrics;
  readonly settings: LiveBufferLimits & {
    readonly subscriptionsMax: number;
    readonly subscriptionCharsMax: number;
    readonly filterEventsDefault: number;
    readonly filterEventsMax: number;
  };
};

/** The subscriptions of one client. */
export class ClientSubscriptions implements Disposable {
  readonly #services: SubscriptionServices;
  readonly #outbox: Outbox;
  readonly #lane: RequestLane;
  readonly #open = new Map<string, Subscription>();
  #chars = 0;

  constructor(services: SubscriptionServices, outbox: Outbox, lane: RequestLane) {
    this.#services = services;
    this.#outbox = outbox;
    this.#lane = lane;
  }

  /** REQ: replaces the subscription with that id, if there is one. `chars` is the length of the message. */
  open(id: string, filters: readonly Filter[], chars: number): void {
    this.close(id);
    const refusal = this.#refusal(chars);
    if (refusal !== undefined) {
      this.#refuse(id, refusal);
      return;
    }
    const subscription = new Subscription(id, chars, this.#outbox, this.#services.settings, (overflown) =>
      this.#end(overflown, 'error: more live events came than could be held back; ask again'),
    );
    this.#open.set(id, subscription);
    this.#chars += chars;
    this.#services.metrics.subscriptions.inc();
    this.#lane.push({ chars, run: () => this.#run(subscription, filters) });
  }

  /** CLOSE, and all else that ends a subscription without a word to the client. */
  close(id: string): void {
    const subscription = this.#open.get(id);
    if (subscription === undefined) return;
    this.#open.delete(id);
    this.#chars -= subscription.chars;
    subscription.close();
    this.#services.hub.remove(subscription);
    this.#services.metrics.subscriptions.dec();
  }

  /** Ends all subscriptions and tells the client why. */
  closeAll(reason: string): void {
    for (const subscription of [...this.#open.values()]) this.#end(subscription, reason);
  }

  [Symbol.dispose](): void {
    for (const id of [...this.#open.keys()]) this.close(id);
  }

  async #run(subscription: Subscription, filters: readonly Filter[]): Promise<void> {
    if (subscription.isClosed) return;
    const { barrier, clock, hub, metrics } = this.#services;
    const startMs = clock.monotonic();
    try {
      // From here to the start of the query in one turn: no event falls between the two.
      subscription.begin(!barrier.isOpen);
      const possible = filters.filter((filter) => !isEmptyFilter(filter));
      if (possible.length > 0) hub.add(subscription, possible);
      const stored = this.#storedFilters(possible);
      if (stored.length > 0) await this.#replay(subscription, stored);
      await subscription.finish();
      metrics.querySeconds.observe((clock.monotonic() - startMs) / 1000);
    } catch (error) {
      this.#onFailure(subscription, error);
    }
  }

  async #replay(subscription: Subscription, filters: readonly Filter[]): Promise<void> {
    const chunks = this.#services.store.query(filters);
    if (subscription.remembers) void this.#forgetInTime(subscription);
    for await (const chunk of chunks) {
      for (const stored of chunk) {
        if (this.#outbox.full) await this.#outbox.roomy();
        if (subscription.isClosed) return;
        subscription.sendStored(stored);
      }
    }
  }

  #refusal(chars: number): string | undefined {
    const { subscriptionsMax, subscriptionCharsMax } = this.#services.settings;
    if (this.#open.size >= subscriptionsMax)
      return `rate-limited: at most ${subscriptionsMax} open subscriptions`;
    if (this.#chars + chars <= subscriptionCharsMax) return undefined;
    return `rate-limited: at most ${subscriptionCharsMax} characters of open subscriptions`;
  }

  /** Remembers what was sent only for as long as it may still be announced, however long the replay takes. */
  async #forgetInTime(subscription: Subscription): Promise<void> {
    while (subscription.forgetSent()) await this.#services.barrier.passed();
  }

  /** What is asked of the store: no filter that wants nothing of it, and a `limit` on every other. */
  #storedFilters(filters: readonly Filter[]): Filter[] {
    const { filterEventsDefault, filterEventsMax } = this.#services.settings;
    return filters
      .filter((filter) => filter.limit !== 0)
      .map((filter) => {
        // Who names ids wants all of them.
        const wanted = filter.limit ?? Math.max(filterEventsDefault, filter.ids?.length ?? 0);
        return { ...filter, limit: Math.min(wanted, filterEventsMax) };
      });
  }

  #onFailure(subscription: Subscription, error: unknown): void {
    if (error instanceof ClientGoneError || subscription.isClosed) return;
    if (error instanceof KernelMemoryError) {
      this.#end(subscription, 'error: the relay has no room for more subscriptions');
    } else {
      this.#services.logger.error({ reason: errorMessage(error) }, 'a query failed');
      this.#end(subscription, 'error: the query failed');
    }
  }

  #end(subscription: Subscription, reason: string): void {
    if (subscription.isClosed) return;
    this.close(subscription.id);
    this.#refuse(subscription.id, reason);
  }

  #refuse(id: string, reason: string): void {
    this.#outbox.send(closedFrame(id, reason));
  }
}
