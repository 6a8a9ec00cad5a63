import type { Logger } from 'pino';
import type { AcceptedEvent, Feed } from '../../admission/admission.js';
import { limits } from '../../config/limits.js';
import type { FilterMatcher, Kernels } from '../../kernels/kernels.js';
import type { AddressAccount } from '../../lib/budgets/address-accounts.js';
import { localAddressGroup } from '../../lib/budgets/address-group.js';
import { type Clock, unixSeconds } from '../../lib/clock.js';
import { errorMessage } from '../../lib/errors.js';
import type { Faults } from '../../lib/faults.js';
import { turnOrder } from '../../lib/turns/turn-order.js';
import { fixedSlice, TurnScheduler } from '../../lib/turns/turn-scheduler.js';
import { isExpired, type NostrEvent } from '../../nostr/event.js';
import type { Filter } from '../../nostr/filter.js';
import { type CompiledFilter, compileFilter, IndexedEvent } from '../../nostr/filter-match.js';
import type { EventFrames } from '../frames/frames.js';
import type { RelayMetrics } from '../relay-metrics.js';
import { DeliveryQueue } from './delivery-queue.js';
import { FilterRemovals } from './filter-removals.js';
import { Subscribers } from './subscribers.js';
import type { Subscription } from './subscription.js';

type Entry = {
  readonly subscription: Subscription;
  readonly filters: Filter[];
  /** Where events had to be matched without the kernels. */
  compiled?: CompiledFilter[] | undefined;
  readonly handles: number[];
  /** The number of the latest event that was offered: an event may match by several filters. */
  offered: number;
};

export type HubServices = {
  /** Of the work of clients. */
  readonly scheduler: TurnScheduler;
  readonly feed: Feed;
  readonly kernels: Kernels;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: RelayMetrics;
  readonly faults: Faults;
};

/** The subscriptions of all clients that want live events, and the way of the feed to them. */
export class SubscriptionHub implements Disposable {
  readonly #services: HubServices;
  readonly #matcher: FilterMatcher;
  readonly #removals: FilterRemovals;
  readonly #entries = new Map<Subscription, Entry>();
  /** An array, for every event that matches very many filters looks up each of them. */
  #byHandle: (Entry | undefined)[] = [];
  /** By account of their address, or by client. */
  readonly #subscribers = new WeakMap<object, Subscribers>();
  readonly #deliveries: DeliveryQueue;
  readonly #stopListening: () => void;
  #eventNumber = 0;

  constructor(services: HubServices) {
    this.#services = services;
    this.#matcher = services.kernels.createFilterMatcher();
    this.#removals = new FilterRemovals(this.#matcher, services.scheduler);
    const limit = {
      pauseMs: limits.deliveryPauseMs,
      eventsMax: limits.deliveryEventsMax,
      charsMax: limits.deliveryCharsMax,
      atOnceMax: limits.deliveryAtOnceMax,
      offersMax: limits.deliveryOffersMax,
      waitingCharsMax: limits.deliveryWaitingCharsMax,
      framesMax: limits.deliveryFramesMax,
    };
    const turns = new TurnScheduler(
      services.clock,
      fixedSlice(limits.deliverySliceMs),
      turnOrder.of('delivery'),
    );
    this.#deliveries = new DeliveryQueue(services.clock, turns, limit, {
      offer: (subscription, accepted, frames) => this.#offer(subscription, accepted, frames),
      end: (subscription) => subscription.fail('error: more live events came than could be sent; ask again'),
    });
    this.#stopListening = services.feed.onAccepted((accepted) => this.#deliver(accepted));
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Those that the subscriptions of a client belong to; `client` stands for it where its address says nothing. */
  subscribersOf(account: AddressAccount, client: object): Subscribers {
    const key = account.group === localAddressGroup ? client : account;
    const subscribers = this.#subscribers.get(key) ?? new Subscribers(account);
    this.#subscribers.set(key, subscribers);
    return subscribers;
  }

  /**
   * Offers the subscription every event from now on that matches the filter, beside those that it has. Throws
   * `KernelMemoryError` and `KernelSymbolsError`; then it has those that it had.
   */
  add(subscription: Subscription, filter: Filter): void {
    const handle = this.#matcher.add(filter);
    const entry = this.#entryOf(subscription);
    entry.filters.push(filter);
    entry.compiled = undefined;
    entry.handles.push(handle);
    this.#byHandle[handle] = entry;
  }

  /** Offers a closed subscription nothing more. It is released when all of its filters have left the matcher. */
  remove(subscription: Subscription): void {
    const entry = this.#entries.get(subscription);
    if (entry === undefined) {
      subscription.release();
      return;
    }
    this.#entries.delete(subscription);
    for (const handle of entry.handles) this.#byHandle[handle] = undefined;
    this.#removals.push(entry);
  }

  [Symbol.dispose](): void {
    this.#stopListening();
    this.#deliveries[Symbol.dispose]();
    this.#entries.clear();
    this.#byHandle = [];
    this.#removals[Symbol.dispose]();
    this.#matcher[Symbol.dispose]();
  }

  #entryOf(subscription: Subscription): Entry {
    let entry = this.#entries.get(subscription);
    if (entry === undefined) {
      entry = { subscription, filters: [], handles: [], offered: this.#eventNumber };
      this.#entries.set(subscription, entry);
    }
    return entry;
  }

  #deliver(accepted: AcceptedEvent): void {
    if (this.#entries.size === 0) return;
    if (isExpired(accepted.event, unixSeconds(this.#services.clock))) return;
    const to = this.#matching(accepted.event);
    if (to.length > 0) this.#deliveries.push(accepted, to);
  }

  #offer(subscription: Subscription, accepted: AcceptedEvent, frames: EventFrames): void {
    if (subscription.isClosed) return;
    const { faults, metrics } = this.#services;
    try {
      const refusal = subscription.subscribers.account.takeDelivery();
      if (refusal !== undefined) subscription.fail(refusal);
      else if (subscription.offer(accepted, frames)) metrics.deliveries.inc();
    } catch (error) {
      faults.note('client', error);
      subscription.fail('error: an event could not be sent; ask again');
    }
  }

  /** Each subscription once, by however many of its filters the event matches. */
  #matching(event: NostrEvent): Subscription[] {
    const handles = this.#matchingHandles(event);
    if (handles === undefined) return this.#matchingWithoutKernels(event);
    this.#eventNumber += 1;
    const to: Subscription[] = [];
    for (const handle of handles) {
      const entry = this.#byHandle[handle];
      if (entry === undefined || entry.offered === this.#eventNumber) continue;
      entry.offered = this.#eventNumber;
      to.push(entry.subscription);
    }
    return to;
  }

  /** `undefined` when the kernels are out of memory. */
  #matchingHandles(event: NostrEvent): number[] | undefined {
    try {
      return this.#matcher.match(event);
    } catch (error) {
      this.#services.logger.warn({ reason: errorMessage(error) }, 'matching an event without the kernels');
      return undefined;
    }
  }

  /** Slower, but no subscriber misses the event. */
  #matchingWithoutKernels(event: NostrEvent): Subscription[] {
    const indexed = new IndexedEvent(event);
    return [...this.#entries.values()].flatMap((entry) => {
      entry.compiled ??= entry.filters.map(compileFilter);
      return entry.compiled.some((matches) => matches(indexed)) ? [entry.subscription] : [];
    });
  }
}
