import type { Logger } from 'pino';
import type { Feed } from '../../admission/admission.js';
import { noteUse } from '../../config/limit-use.js';
import { KernelMemoryError, KernelSymbolsError } from '../../kernels/errors.js';
import type { MemoryHolder } from '../../lib/budgets/memory-budget.js';
import type { Clock } from '../../lib/clock.js';
import { errorMessage } from '../../lib/errors.js';
import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';
import { type Filter, isEmptyFilter } from '../../nostr/filter.js';
import type { EventStore } from '../../store/event-store.js';
import type { Subscribers } from '../delivery/subscribers.js';
import { type LiveBufferLimits, Subscription } from '../delivery/subscription.js';
import type { SubscriptionHub } from '../delivery/subscription-hub.js';
import { closedFrame } from '../frames/frames.js';
import { ClientGoneError, type Outbox } from '../frames/outbox.js';
import { requestBytes } from '../held-bytes.js';
import type { RelayMetrics } from '../relay-metrics.js';
import { NoRoomError, RequestMemory } from '../request-memory.js';
import { sendingUnits, subscribingUnits } from '../work-budget.js';
import type { RequestQueue } from './request-queue.js';

export type SubscriptionServices = {
  readonly store: Pick<EventStore, 'query'>;
  readonly hub: SubscriptionHub;
  readonly admission: { readonly feed: Pick<Feed, 'announced'> };
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: RelayMetrics;
  readonly settings: LiveBufferLimits & {
    readonly subscriptionsMax: number;
    readonly addressSubscriptionsMax: number;
    readonly addressFiltersMax: number;
    readonly filterEventsDefault: number;
    readonly filterEventsMax: number;
  };
};

/** The turns of a client, for as long as the subscription is open. */
class SubscriptionTurns implements WorkTurns {
  readonly #requests: RequestQueue;
  readonly #subscription: Subscription;

  constructor(requests: RequestQueue, subscription: Subscription) {
    this.#requests = requests;
    this.#subscription = subscription;
  }

  get isOver(): boolean {
    return this.#requests.isOver;
  }

  async next(): Promise<void> {
    await this.#requests.next();
    if (this.#subscription.isClosed) throw new ClientGoneError();
  }

  spend(units: number): void {
    this.#requests.spend(units);
  }
}

const noRoom = 'rate-limited: there is no memory for more; close subscriptions, or read what was sent';

/** The subscriptions of one client. */
export class ClientSubscriptions implements Disposable {
  readonly #services: SubscriptionServices;
  readonly #outbox: Outbox;
  readonly #requests: RequestQueue;
  readonly #memory: MemoryHolder;
  readonly #subscribers: Subscribers;
  readonly #open = new Map<string, { readonly subscription: Subscription; readonly filters: number }>();

  /** `subscribers`: those of its address. */
  constructor(
    services: SubscriptionServices,
    outbox: Outbox,
    requests: RequestQueue,
    memory: MemoryHolder,
    subscribers: Subscribers,
  ) {
    this.#services = services;
    this.#subscribers = subscribers;
    this.#outbox = outbox;
    this.#requests = requests;
    this.#memory = memory;
  }

  /** REQ: replaces the subscription with that id, if there is one. `chars` is the length of the message. */
  open(id: string, filters: readonly Filter[], chars: number): void {
    this.close(id);
    const tooMany = this.#tooMany(filters.length);
    if (tooMany !== undefined) {
      this.#refuse(id, tooMany);
      return;
    }
    const memory = this.#memory.reserve(requestBytes(filters, chars));
    if (memory === undefined) {
      this.#refuse(id, noRoom);
      return;
    }
    const subscription = new Subscription(
      id,
      this.#subscribers,
      memory,
      this.#outbox,
      this.#services.settings,
      (failed, reason) => this.#end(failed, reason),
    );
    this.#open.set(id, { subscription, filters: filters.length });
    this.#subscribers.open += 1;
    this.#subscribers.filters += filters.length;
    this.#services.metrics.subscriptions.inc();
    this.#requests.push({ chars, run: () => this.#run(subscription, filters) });
  }

  /** CLOSE, and all else that ends a subscription without a word to the client; whether it was open. */
  close(id: string): boolean {
    const opened = this.#open.get(id);
    if (opened === undefined) return false;
    const { subscription, filters } = opened;
    this.#open.delete(id);
    this.#subscribers.open -= 1;
    this.#subscribers.filters -= filters;
    subscription.close();
    this.#services.hub.remove(subscription);
    this.#services.metrics.subscriptions.dec();
    return true;
  }

  /** Ends all subscriptions and tells the client why. */
  closeAll(reason: string): void {
    for (const { subscription } of [...this.#open.values()]) this.#end(subscription, reason);
  }

  [Symbol.dispose](): void {
    for (const id of [...this.#open.keys()]) this.close(id);
  }

  /** Why no other may be open, of so many filters. */
  #tooMany(filters: number): string | undefined {
    const { subscriptionsMax, addressSubscriptionsMax, addressFiltersMax } = this.#services.settings;
    noteUse('clientSubscriptionsMax', this.#open.size);
    noteUse('addressSubscriptionsMax', this.#subscribers.open);
    noteUse('addressFiltersMax', this.#subscribers.filters + filters);
    if (this.#open.size >= subscriptionsMax)
      return `rate-limited: at most ${subscriptionsMax} open subscriptions`;
    if (this.#subscribers.open >= addressSubscriptionsMax)
      return `rate-limited: at most ${addressSubscriptionsMax} open subscriptions from one address; close others first`;
    if (this.#subscribers.filters + filters > addressFiltersMax)
      return `rate-limited: at most ${addressFiltersMax} filters in open subscriptions from one address; close others first`;
    return undefined;
  }

  async #run(subscription: Subscription, filters: readonly Filter[]): Promise<void> {
    if (subscription.isClosed) return;
    const { admission, clock, metrics } = this.#services;
    const startMs = clock.monotonic();
    try {
      const possible = filters.filter((filter) => !isEmptyFilter(filter));
      for (const filter of possible) {
        const pause = this.#listen(subscription, filter);
        if (pause !== undefined) await pause;
      }
      // From here to the start of the query in one turn: no event falls between the two. What was announced while the
      // filters were taken in is stored by now, and the query finds it.
      subscription.begin(admission.feed.announced);
      const stored = this.#storedFilters(possible);
      if (stored.length > 0) await this.#replay(subscription, stored);
      await subscription.finish();
      metrics.querySeconds.observe((clock.monotonic() - startMs) / 1000);
    } catch (error) {
      this.#onFailure(subscription, error);
    }
  }

  /** Has the subscription offered what the filter matches, in this turn or the next. */
  #listen(subscription: Subscription, filter: Filter): Promise<void> | void {
    const { hub } = this.#services;
    hub.add(subscription, filter);
    this.#requests.spend(subscribingUnits(filter));
    if (this.#requests.isOver) return new SubscriptionTurns(this.#requests, subscription).next();
  }

  async #replay(subscription: Subscription, filters: readonly Filter[]): Promise<void> {
    using memory = new RequestMemory(this.#memory);
    const turns = new SubscriptionTurns(this.#requests, subscription);
    for await (const chunk of this.#services.store.query(filters, turns, memory)) {
      this.#requests.spend(sendingUnits(chunk));
      for (const stored of chunk) {
        if (this.#outbox.full) await this.#outbox.waitForCapacity();
        if (subscription.isClosed) return;
        subscription.sendStored(stored);
      }
    }
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
    if (error instanceof KernelMemoryError || error instanceof KernelSymbolsError) {
      this.#end(subscription, 'rate-limited: the relay has no room for more subscriptions');
    } else if (error instanceof NoRoomError) {
      this.#end(subscription, noRoom);
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
