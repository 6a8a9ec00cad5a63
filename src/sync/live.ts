import { type Clock, unixSeconds } from '../lib/clock.js';
import type { Random } from '../lib/random.js';
import type { ChannelMessage } from './channel.js';
import type { Inlet } from './inlet.js';
import type { Topic } from './layers.js';
import type { RelayLedger } from './ledger.js';
import { LiveCoverage, type LiveSubscription } from './live-coverage.js';
import { LiveRetries } from './live-retries.js';
import type { SyncLogger } from './logger.js';
import { matcherOf } from './matcher.js';
import type { Peer } from './peer.js';
import { readRefusal } from './refusal.js';
import type { SyncSettings } from './settings.js';
import {
  isSameContent,
  missingTopics,
  type PackingLimits,
  packSubscriptions,
  rebuildStep,
  type SubscriptionContent,
} from './subscription.js';
import { Wakeup } from './wakeup.js';

export type LiveParts = {
  readonly peer: Peer;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: SyncLogger;
  readonly settings: SyncSettings;
  readonly inlet: Inlet;
  readonly ledger: RelayLedger;
  /** What catch-up may begin with: topics whose subscription stands, or cannot stand for now. */
  readonly onSettled: (topics: readonly Topic[]) => void;
  /** The remote closed a subscription to these topics, for a reason of its own. */
  readonly onRefused: (topics: readonly Topic[]) => void;
  /** Whether subscriptions are being changed. */
  readonly onUpdating: (isUpdating: boolean) => void;
};

/** A rebuild that is under way: what is still to be opened, and what it replaces. */
type Rebuilding = { target: readonly SubscriptionContent[]; readonly old: ReadonlySet<string> };

/**
 * The live subscriptions of one connection (docs/sync.md §3, §4): keeps them equal to what is wanted, within the
 * limits of the remote, and opens again what the remote closes. Each subscription asks for nothing stored.
 */
export class LiveSync {
  readonly #parts: LiveParts;
  readonly #coverage = new LiveCoverage();
  readonly #retries: LiveRetries;
  readonly #wakeup = new Wakeup();
  readonly #wanted = new Set<Topic>();
  /** Wanted, and to be asked for in the next step. */
  readonly #missing = new Set<Topic>();
  /** Wanted, and without a place on this remote. */
  readonly #uncovered = new Set<Topic>();
  #rebuilding: Rebuilding | undefined;
  #isStale = false;
  #isAuthenticating = false;
  #hasWarned = false;

  constructor(parts: LiveParts) {
    this.#parts = parts;
    this.#retries = new LiveRetries(parts);
    parts.peer.capacity.onTightened(() => this.#wakeup.notify());
  }

  /** Filters of all open subscriptions. */
  get filters(): number {
    return this.#coverage.filters;
  }

  get subscriptions(): number {
    return this.#coverage.size;
  }

  /** Topics for which the remote has no place. */
  get uncovered(): number {
    return this.#uncovered.size;
  }

  add(topics: Iterable<Topic>): void {
    for (const topic of topics) {
      if (this.#wanted.has(topic)) continue;
      this.#wanted.add(topic);
      this.#missing.add(topic);
    }
    this.#wakeup.notify();
  }

  /** What is not wanted any more stays in its filters until they are packed anew: at the latest when it is half of all. */
  remove(topics: readonly Topic[]): void {
    for (const topic of topics) {
      this.#wanted.delete(topic);
      this.#missing.delete(topic);
      this.#uncovered.delete(topic);
    }
    this.#retries.forget(topics);
    this.#isStale = this.#coverage.isStale((topic) => this.#wanted.has(topic));
    this.#wakeup.notify();
  }

  /** Acts on every change until `signal` ends it. */
  async run(signal: AbortSignal): Promise<void> {
    const onAbort = () => this.#wakeup.notify();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      while (!signal.aborted) {
        if (await this.#step(signal)) continue;
        this.#parts.onUpdating(this.#rebuilding !== undefined || this.#coverage.isOpening);
        await this.#wakeup.wait();
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#retries.stop();
    }
  }

  /** Does the next thing; false when there is none for now. */
  async #step(signal: AbortSignal): Promise<boolean> {
    if (this.#isAuthenticating) return false;
    if (this.#rebuilding !== undefined) return await this.#continueRebuild(this.#rebuilding, signal);
    const missing = missingTopics(this.#missing, this.#coverage.inFlight, this.#coverage.confirmed);
    const packed = packSubscriptions(missing, this.#packing());
    if (this.#isStale || !this.#hasRoomFor(packed)) {
      this.#beginRebuild(missing);
      return true;
    }
    this.#missing.clear();
    for (const content of packed) await this.#open(content, true, signal);
    return packed.length > 0;
  }

  #hasRoomFor(packed: readonly SubscriptionContent[]): boolean {
    if (this.#coverage.size + packed.length > this.#placesMax()) return false;
    if (packed.length === 0) return true;
    const filters = packed.reduce((sum, each) => sum + each.filters.length, this.#coverage.filters);
    return filters <= this.#parts.settings.filtersPerConnectionMax;
  }

  /** Everything anew, packed, in the order of what stands: what is packed already is kept as it is. */
  #beginRebuild(missing: readonly Topic[]): void {
    const held = [...this.#coverage.topics()].filter((topic) => this.#wanted.has(topic));
    const all = new Set([...held, ...this.#uncovered, ...missing]);
    const packed = packSubscriptions(all, this.#packing());
    const places = packed.slice(0, this.#placesMax());
    const open = this.#coverage.all();
    const target = places.filter((content) => !open.some((each) => isSameContent(each, content)));
    const old = open.filter((each) => !places.some((content) => isSameContent(each, content)));
    this.#rebuilding = { target, old: new Set(old.map(({ id }) => id)) };
    this.#isStale = false;
    this.#missing.clear();
    this.#uncovered.clear();
    this.#parts.logger.debug(
      { relay: this.#parts.peer.relay, filters: this.filters, open: target.length, close: old.length },
      'rebuild subscriptions',
    );
    this.#leaveUncovered(packed.slice(places.length));
  }

  async #continueRebuild(rebuilding: Rebuilding, signal: AbortSignal): Promise<boolean> {
    const all = this.#coverage.all();
    const old = all.filter((each) => rebuilding.old.has(each.id));
    const fresh = all.filter((each) => !rebuilding.old.has(each.id));
    const room = this.#parts.peer.limits.liveSubscriptions - all.length;
    const { open, close } = rebuildStep({ old, fresh, target: rebuilding.target }, room);
    for (const id of close) this.#close(this.#coverage.get(id));
    rebuilding.target = rebuilding.target.slice(open.length);
    for (const content of open) await this.#open(content, !this.#stands(content), signal);
    if (open.length > 0 || close.length > 0) return true;
    if (fresh.some((each) => each.status === 'opening')) return false;
    if (rebuilding.target.length > 0 && old[0] !== undefined) {
      // The remote takes one at a time, or less than it did: what has to go now is caught up.
      this.#close(old[0]);
      return true;
    }
    this.#rebuilding = undefined;
    this.#leaveUncovered(rebuilding.target);
    return true;
  }

  /** Whether nothing is missed though this content is only being opened. */
  #stands({ topics }: SubscriptionContent): boolean {
    return topics.every((topic) => this.#coverage.confirmed.has(topic));
  }

  /** What there is no place for is caught up only; it may still be in subscriptions that are about to go. */
  #leaveUncovered(contents: readonly SubscriptionContent[]): void {
    const topics = contents.flatMap((each) => each.topics);
    if (topics.length === 0) return;
    for (const topic of topics) this.#uncovered.add(topic);
    const { logger, peer, onSettled } = this.#parts;
    if (!this.#hasWarned) {
      logger.warn(
        { relay: peer.relay, topics: this.#uncovered.size, limits: peer.limits },
        'relay takes too few subscriptions for live sync of everything; the daily catch-up covers the rest',
      );
    }
    this.#hasWarned = true;
    onSettled(topics);
  }

  async #open(content: SubscriptionContent, announces: boolean, signal: AbortSignal): Promise<void> {
    const { peer, clock, inlet, onUpdating } = this.#parts;
    await peer.ready(signal);
    const matches = matcherOf(content.filters);
    const sentAt = clock.monotonic();
    const channel = peer.openChannel('l', {
      source: 'live_sync',
      onEvent: (event) => {
        if (matches(event)) void inlet.deliver(event, 'live_sync');
        else peer.nonsense();
      },
      onMessage: (message) => this.#onMessage(subscription, message),
      onSilent: () => this.#onSilent(subscription, sentAt),
      onGone: () => {},
    });
    const subscription: LiveSubscription = {
      ...content,
      id: channel.id,
      status: 'opening',
      channel,
      announces,
    };
    this.#coverage.add(subscription);
    onUpdating(true);
    peer.send(['REQ', channel.id, ...content.filters.map((filter) => ({ ...filter, limit: 0 }))]);
    channel.expect();
  }

  #close(subscription: LiveSubscription | undefined, tell = true): void {
    if (subscription === undefined || !this.#coverage.remove(subscription)) return;
    this.#parts.peer.closeChannel(subscription.channel, tell ? 'CLOSE' : undefined);
    this.#wakeup.notify();
  }

  #onMessage(subscription: LiveSubscription, message: ChannelMessage): void {
    if (message.type === 'EOSE') this.#confirm(subscription);
    else if (message.type === 'CLOSED') this.#onClosed(subscription, message.reason);
  }

  #confirm(subscription: LiveSubscription): void {
    subscription.channel.rest();
    if (subscription.status === 'confirmed') return;
    subscription.status = 'confirmed';
    const { peer, ledger, clock, onSettled } = this.#parts;
    peer.answered();
    this.#retries.forget(subscription.topics);
    ledger.opened(subscription.topics, unixSeconds(clock));
    if (subscription.announces) onSettled(subscription.topics);
    this.#wakeup.notify();
  }

  #onSilent(subscription: LiveSubscription, sentAt: number): void {
    const { peer, onSettled } = this.#parts;
    peer.unanswered(sentAt);
    this.#close(subscription);
    onSettled(subscription.topics);
    this.#retryLater(subscription.topics);
  }

  #onClosed(subscription: LiveSubscription, reason: string): void {
    const { peer, logger, onSettled } = this.#parts;
    const { topics } = subscription;
    logger.debug({ relay: peer.relay, reason: reason.slice(0, 200) }, 'relay closed a live subscription');
    this.#close(subscription, false);
    // As live as they can be for now: catch-up need not wait, it comes again when they are.
    onSettled(topics);
    switch (readRefusal(reason).type) {
      case 'slow-down':
        peer.slowDown();
        this.#again(topics);
        return;
      case 'auth':
        this.#authenticate(topics);
        return;
      case 'too-many-subscriptions':
        this.#tighten('subscriptions', topics);
        return;
      case 'too-many-filters':
        this.#tighten('filters', topics);
        return;
      default:
        this.#parts.onRefused(topics);
        this.#retryLater(topics);
        return;
    }
  }

  /** Asks for less at once; a relay that does not take the least there is has to be waited for. */
  #tighten(what: 'subscriptions' | 'filters', topics: readonly Topic[]): void {
    if (this.#parts.peer.tighten(what)) this.#again(topics);
    else this.#retryLater(topics);
  }

  #authenticate(topics: readonly Topic[]): void {
    const { peer } = this.#parts;
    // A relay that took our key and still wants it refuses these filters, not us.
    if (this.#retries.hasFailed(topics)) {
      this.#retryLater(topics);
      return;
    }
    this.#retries.count(topics);
    this.#isAuthenticating = true;
    peer.authentication
      .ensure()
      .catch((error: unknown) => peer.refuse(error))
      .finally(() => {
        this.#isAuthenticating = false;
        this.#again(topics);
      });
  }

  #again(topics: readonly Topic[]): void {
    for (const topic of topics) if (this.#wanted.has(topic)) this.#missing.add(topic);
    this.#wakeup.notify();
  }

  #retryLater(topics: readonly Topic[]): void {
    const wanted = topics.filter((topic) => this.#wanted.has(topic));
    this.#retries.later(wanted, () => this.#again(wanted));
  }

  /** Places for subscriptions outside of a rebuild; one is kept free, so that new ones can be opened before old ones go. */
  #placesMax(): number {
    const { liveSubscriptions } = this.#parts.peer.limits;
    return Math.max(liveSubscriptions - 1, Math.min(liveSubscriptions, 1));
  }

  #packing(): PackingLimits {
    const { messageBytes, filtersPerSubscription } = this.#parts.peer.limits;
    return { tagsPerFilter: this.#parts.settings.tagsPerFilterMax, filtersPerSubscription, messageBytes };
  }
}
