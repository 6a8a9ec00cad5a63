import { backoffMs } from '../lib/backoff.js';
import { type CancelTimer, type Clock, unixSeconds } from '../lib/clock.js';
import { type Random, randomInteger } from '../lib/random.js';
import type { Channel, ChannelMessage } from './channel.js';
import type { Inlet } from './inlet.js';
import type { Topic } from './layers.js';
import type { RelayLedger } from './ledger.js';
import type { SyncLogger } from './logger.js';
import { matcherOf } from './matcher.js';
import type { Peer } from './peer.js';
import { readRefusal } from './refusal.js';
import type { SyncSettings } from './settings.js';
import {
  missingTopics,
  type OpenSubscription,
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
  /** Whether subscriptions are being changed. */
  readonly onUpdating: (isUpdating: boolean) => void;
};

type LiveSubscription = OpenSubscription & {
  readonly channel: Channel;
  status: 'opening' | 'confirmed';
  /** Whether catch-up is told when it stands; not in a rebuild, which misses nothing. */
  readonly announces: boolean;
};

/** The target of a rebuild that is under way, and which subscriptions it replaces. */
type Rebuilding = { target: readonly SubscriptionContent[]; readonly old: ReadonlySet<string> };

/**
 * The live subscriptions of one connection (sync.md §3, §4): keeps them equal to what is wanted, within the limits of
 * the remote, and opens again what the remote closes. Each subscription asks for nothing stored.
 */
export class LiveSync {
  readonly #parts: LiveParts;
  readonly #subscriptions = new Map<string, LiveSubscription>();
  /** By topic, the newest subscription that covers it. */
  readonly #holders = new Map<Topic, string>();
  readonly #wanted = new Set<Topic>();
  /** Wanted, and to be asked for in the next step. */
  readonly #missing = new Set<Topic>();
  /** Wanted, and without a place on this remote. */
  readonly #uncovered = new Set<Topic>();
  /** How often a subscription to the topic failed in a row. */
  readonly #failures = new Map<Topic, number>();
  readonly #retries = new Set<CancelTimer>();
  #isStale = false;
  #rebuilding: Rebuilding | undefined;
  readonly #wakeup = new Wakeup();
  #authenticating = false;
  #warned = false;

  constructor(parts: LiveParts) {
    this.#parts = parts;
    parts.peer.onTightened(() => this.#wakeup.notify());
  }

  /** Filters of all open subscriptions. */
  get filters(): number {
    let filters = 0;
    for (const each of this.#subscriptions.values()) filters += each.filters.length;
    return filters;
  }

  get subscriptions(): number {
    return this.#subscriptions.size;
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
  remove(topics: Iterable<Topic>): void {
    for (const topic of topics) {
      this.#wanted.delete(topic);
      this.#missing.delete(topic);
      this.#uncovered.delete(topic);
      this.#failures.delete(topic);
    }
    let stale = 0;
    for (const topic of this.#holders.keys()) if (!this.#wanted.has(topic)) stale += 1;
    this.#isStale = stale > 0 && stale * 2 >= this.#holders.size;
    this.#wakeup.notify();
  }

  /** Acts on every change until `signal` ends it. */
  async run(signal: AbortSignal): Promise<void> {
    const onAbort = () => this.#wakeup.notify();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      while (!signal.aborted) {
        if (!(await this.#step(signal))) {
          this.#parts.onUpdating(this.#isOpening());
          await this.#wakeup.wait();
        }
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      for (const cancel of this.#retries) cancel();
    }
  }

  /** Does the next thing, if there is one. */
  async #step(signal: AbortSignal): Promise<boolean> {
    if (this.#authenticating) return false;
    if (this.#rebuilding !== undefined) return await this.#continueRebuild(this.#rebuilding, signal);
    const inFlight = { has: (topic: Topic) => this.#holders.has(topic) };
    const missing = missingTopics(this.#missing, inFlight, inFlight);
    if (this.#isStale || this.#subscriptions.size > this.#placesMax()) {
      this.#beginRebuild(missing);
      return true;
    }
    if (missing.length === 0) {
      this.#missing.clear();
      return false;
    }
    const packed = packSubscriptions(missing, this.#packing());
    const filters = packed.reduce((sum, each) => sum + each.filters.length, this.filters);
    const fits = this.#subscriptions.size + packed.length <= this.#placesMax();
    if (fits && filters <= this.#parts.settings.filtersPerConnectionMax) {
      this.#missing.clear();
      for (const content of packed) await this.#open(content, true, signal);
      return true;
    }
    this.#beginRebuild(missing);
    return true;
  }

  /** Everything anew, packed, in the order of what stands: what is packed already is kept as it is. */
  #beginRebuild(missing: readonly Topic[]): void {
    const held = new Set<Topic>();
    for (const { topics } of this.#subscriptions.values()) {
      for (const topic of topics) if (this.#wanted.has(topic)) held.add(topic);
    }
    const packed = packSubscriptions(
      [...new Set([...held, ...this.#uncovered, ...missing])],
      this.#packing(),
    );
    const places = packed.slice(0, this.#placesMax());
    this.#isStale = false;
    this.#missing.clear();
    this.#uncovered.clear();
    const left = packed.slice(places.length).flatMap((each) => each.topics);
    for (const topic of left) this.#uncovered.add(topic);
    const kept = new Set<string>();
    const target = places.filter((content) => {
      const same = [...this.#subscriptions.values()].find((each) => isSame(each, content));
      if (same !== undefined) kept.add(same.id);
      return same === undefined;
    });
    const old = new Set([...this.#subscriptions.keys()].filter((id) => !kept.has(id)));
    this.#rebuilding = { target, old };
    this.#parts.logger.debug(
      {
        relay: this.#parts.peer.relay,
        filters: this.filters,
        open: target.length,
        close: old.size,
        uncovered: left.length,
      },
      'rebuild subscriptions',
    );
    this.#reportUncovered(left);
  }

  async #continueRebuild(rebuilding: Rebuilding, signal: AbortSignal): Promise<boolean> {
    const all = [...this.#subscriptions.values()];
    const old = all.filter((each) => rebuilding.old.has(each.id));
    const fresh = all.filter((each) => !rebuilding.old.has(each.id));
    const step = rebuildStep({ old, fresh, target: rebuilding.target }, this.#roomForRebuild(all.length));
    for (const id of step.close) this.#close(this.#subscriptions.get(id));
    rebuilding.target = rebuilding.target.slice(step.open.length);
    for (const content of step.open) {
      await this.#open(content, !content.topics.every((topic) => this.#isConfirmed(topic)), signal);
    }
    const isWaiting = fresh.some((each) => each.status === 'opening') || step.open.length > 0;
    if (rebuilding.target.length === 0 && !isWaiting) {
      this.#rebuilding = undefined;
      return true;
    }
    if (step.open.length > 0 || step.close.length > 0) return true;
    if (isWaiting) return false;
    // No room and nothing to wait for: the remote takes one at a time, or less than it did. What has to go is caught up.
    if (old[0] !== undefined) {
      this.#close(old[0]);
      return true;
    }
    const left = rebuilding.target
      .flatMap((each) => each.topics)
      .filter((topic) => !this.#holders.has(topic));
    for (const topic of left) this.#uncovered.add(topic);
    this.#rebuilding = undefined;
    this.#reportUncovered(left);
    return true;
  }

  #reportUncovered(topics: readonly Topic[]): void {
    if (topics.length === 0) return;
    const { logger, peer, onSettled } = this.#parts;
    if (!this.#warned) {
      logger.warn(
        { relay: peer.relay, topics: this.#uncovered.size, limits: peer.limits },
        'relay takes too few subscriptions for live sync of everything; the daily catch-up covers the rest',
      );
    }
    this.#warned = true;
    onSettled(topics);
  }

  async #open(content: SubscriptionContent, announces: boolean, signal: AbortSignal): Promise<void> {
    const { peer, clock, inlet } = this.#parts;
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
      onSilent: () => {
        peer.unanswered(sentAt);
        this.#close(subscription);
        this.#parts.onSettled(content.topics);
        this.#retryLater(content.topics);
      },
      onGone: () => {},
    });
    const subscription: LiveSubscription = {
      ...content,
      id: channel.id,
      status: 'opening',
      channel,
      announces,
    };
    this.#subscriptions.set(channel.id, subscription);
    for (const topic of content.topics) this.#holders.set(topic, channel.id);
    this.#parts.onUpdating(true);
    peer.send(['REQ', channel.id, ...content.filters.map((filter) => ({ ...filter, limit: 0 }))]);
    channel.expect();
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
    for (const topic of subscription.topics) this.#failures.delete(topic);
    ledger.opened(subscription.topics, unixSeconds(clock));
    if (subscription.announces) onSettled(subscription.topics);
    this.#wakeup.notify();
  }

  #onClosed(subscription: LiveSubscription, reason: string): void {
    const { peer, logger } = this.#parts;
    logger.debug({ relay: peer.relay, reason: reason.slice(0, 200) }, 'relay closed a live subscription');
    this.#close(subscription, false);
    const topics = subscription.topics;
    // As live as they can be for now: catch-up need not wait, it comes again when they are.
    this.#parts.onSettled(topics);
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
    // A relay that took our key and still wants it is refused by its filters, not by us.
    if (topics.some((topic) => (this.#failures.get(topic) ?? 0) > 0)) {
      this.#retryLater(topics);
      return;
    }
    for (const topic of topics) this.#failures.set(topic, 1);
    this.#authenticating = true;
    peer.authentication
      .ensure()
      .catch((error: unknown) => peer.refuse(error))
      .finally(() => {
        this.#authenticating = false;
        this.#again(topics);
      });
  }

  #again(topics: readonly Topic[]): void {
    for (const topic of topics)
      if (this.#wanted.has(topic) && !this.#holders.has(topic)) this.#missing.add(topic);
    this.#wakeup.notify();
  }

  /** Opens again after a backoff of its own. */
  #retryLater(topics: readonly Topic[]): void {
    const { clock, random, settings } = this.#parts;
    let failures = 0;
    for (const topic of topics) {
      const count = (this.#failures.get(topic) ?? 0) + 1;
      if (this.#wanted.has(topic)) this.#failures.set(topic, count);
      failures = Math.max(failures, count);
    }
    const waitMs =
      backoffMs(failures - 1, settings.backoffBaseMs, settings.backoffMaxMs) +
      randomInteger(random, settings.startupJitterMs + 1);
    const cancel = clock.after(waitMs, () => {
      this.#retries.delete(cancel);
      this.#again(topics);
    });
    this.#retries.add(cancel);
    this.#wakeup.notify();
  }

  #close(subscription: LiveSubscription | undefined, tell = true): void {
    if (subscription === undefined || !this.#subscriptions.delete(subscription.id)) return;
    for (const topic of subscription.topics) {
      if (this.#holders.get(topic) === subscription.id) this.#holders.delete(topic);
    }
    this.#parts.peer.closeChannel(subscription.channel, tell ? 'CLOSE' : undefined);
    this.#wakeup.notify();
  }

  #isOpening(): boolean {
    return (
      this.#rebuilding !== undefined ||
      [...this.#subscriptions.values()].some((each) => each.status === 'opening')
    );
  }

  #isConfirmed(topic: Topic): boolean {
    const holder = this.#holders.get(topic);
    return holder !== undefined && this.#subscriptions.get(holder)?.status === 'confirmed';
  }

  /** Places for subscriptions outside of a rebuild; one is kept free, so that new ones can be opened before old ones go. */
  #placesMax(): number {
    const { liveSubscriptions } = this.#parts.peer.limits;
    return Math.max(liveSubscriptions - 1, Math.min(liveSubscriptions, 1));
  }

  #roomForRebuild(open: number): number {
    return Math.max(0, this.#parts.peer.limits.liveSubscriptions - open);
  }

  #packing(): PackingLimits {
    const { messageBytes, filtersPerSubscription } = this.#parts.peer.limits;
    return { tagsPerFilter: this.#parts.settings.tagsPerFilterMax, filtersPerSubscription, messageBytes };
  }
}

function isSame(a: SubscriptionContent, b: SubscriptionContent): boolean {
  return JSON.stringify(a.filters) === JSON.stringify(b.filters);
}
