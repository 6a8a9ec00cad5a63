import { onAbort } from '../../lib/abort.js';
import { Wakeup } from '../../lib/wakeup.js';
import type { Topic } from '../topics/layers.js';
import {
  isSameContent,
  missingTopics,
  type PackingLimits,
  packSubscriptions,
  rebuildStep,
  type SubscriptionContent,
} from '../topics/subscription.js';
import type { LiveCoverage } from './live-coverage.js';
import { isKindsTopic, type LiveKinds } from './live-kinds.js';
import { LiveSubscriber, type LiveSubscriberParts } from './live-subscriber.js';

export type LiveParts = Omit<LiveSubscriberParts, 'isWanted' | 'onLost' | 'onChange' | 'onOutcome'> & {
  readonly kinds: LiveKinds;
};

/** A rebuild that is under way: what is still to be opened, and what it replaces. */
type Rebuilding = { target: readonly SubscriptionContent[]; readonly old: ReadonlySet<string> };

/**
 * The live subscriptions of one connection (docs/sync.md §3, §4): keeps them equal to what is wanted, within the
 * limits of the remote, and opens again what the remote closes. Each subscription asks for nothing stored.
 */
export class LiveSync {
  readonly #parts: LiveParts;
  readonly #subscriber: LiveSubscriber;
  readonly #coverage: LiveCoverage;
  readonly #wakeup = new Wakeup();
  readonly #wanted = new Set<Topic>();
  /** Wanted, and to be asked for in the next step. */
  readonly #missing = new Set<Topic>();
  /** Wanted, and without a place on this remote. */
  readonly #uncovered = new Set<Topic>();
  #rebuilding: Rebuilding | undefined;
  #isStale = false;
  #hasWarned = false;

  constructor(parts: LiveParts) {
    this.#parts = parts;
    this.#subscriber = new LiveSubscriber({
      ...parts,
      onSettled: (topics) => parts.onSettled(topics.filter((topic) => !isKindsTopic(topic))),
      isWanted: (topic) => this.#isWanted(topic),
      onOutcome: ({ topics }, event, outcome) => {
        if (topics.some(isKindsTopic) && parts.kinds.count(event, outcome, parts.clock.monotonic())) {
          this.#rebuildLater();
        }
      },
      onLost: (topics) => this.#again(topics),
      onChange: () => this.#wakeup.notify(),
    });
    this.#coverage = this.#subscriber.coverage;
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

  /** What is wanted again may still be in a filter that stands: no subscription is opened for it, so its history is due now. */
  add(topics: Iterable<Topic>): void {
    const standing: Topic[] = [];
    for (const topic of topics) {
      if (this.#wanted.has(topic)) continue;
      this.#wanted.add(topic);
      if (this.#coverage.stands(topic)) standing.push(topic);
      else this.#missing.add(topic);
    }
    if (standing.length > 0) this.#parts.onSettled(standing);
    this.#wakeup.notify();
  }

  /** What is not wanted any more stays in its filters until they are packed anew: at the latest when it is half of all. */
  remove(topics: readonly Topic[]): void {
    for (const topic of topics) {
      this.#wanted.delete(topic);
      this.#missing.delete(topic);
      this.#uncovered.delete(topic);
    }
    this.#subscriber.forget(topics);
    this.#isStale = this.#coverage.isStale((topic) => this.#isWanted(topic));
    this.#wakeup.notify();
  }

  /** Acts on every change until `signal` ends it. */
  async run(signal: AbortSignal): Promise<void> {
    using _ = onAbort(signal, () => this.#wakeup.notify());
    try {
      while (!signal.aborted) {
        if (await this.#step(signal)) continue;
        this.#parts.onUpdating(this.#rebuilding !== undefined || this.#coverage.isOpening);
        await this.#wakeup.wait();
      }
    } finally {
      this.#subscriber.stop();
    }
  }

  /** Does the next thing; false when there is none for now. */
  async #step(signal: AbortSignal): Promise<boolean> {
    if (this.#subscriber.isAuthenticating) return false;
    if (this.#rebuilding !== undefined) return await this.#continueRebuild(this.#rebuilding, signal);
    const missing = missingTopics(this.#missing, this.#coverage.inFlight, this.#coverage.confirmed);
    const packed = packSubscriptions(missing, this.#packing());
    if (this.#isStale || !this.#hasRoomFor(packed)) {
      this.#beginRebuild(missing);
      return true;
    }
    this.#missing.clear();
    for (const content of packed) await this.#subscriber.open(content, true, signal);
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
    const byKind = this.#contentByKind(packed.length);
    const covered = packed.slice(0, this.#placesMax() - byKind.length);
    const places = [...covered, ...byKind];
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
    this.#leaveUncovered(packed.slice(covered.length));
  }

  /** Where there are more subscriptions than places, one of these is for filters by kind, if that is worth it. */
  #contentByKind(subscriptions: number): SubscriptionContent[] {
    const placesMax = this.#placesMax();
    if (subscriptions <= placesMax || placesMax < 2) return [];
    const { kinds, peer, clock } = this.#parts;
    const content = kinds.content(peer.limits.filtersPerSubscription, clock.monotonic());
    return content === undefined ? [] : [content];
  }

  /** Opens what there is room for and closes what is covered anew; false when it has to wait for the remote. */
  async #continueRebuild(rebuilding: Rebuilding, signal: AbortSignal): Promise<boolean> {
    const all = this.#coverage.all();
    const old = all.filter((each) => rebuilding.old.has(each.id));
    const fresh = all.filter((each) => !rebuilding.old.has(each.id));
    const room = this.#parts.peer.limits.liveSubscriptions - all.length;
    const { open, close } = rebuildStep({ old, fresh, target: rebuilding.target }, room);
    for (const id of close) this.#subscriber.close(this.#coverage.get(id));
    rebuilding.target = rebuilding.target.slice(open.length);
    for (const content of open) await this.#subscriber.open(content, !this.#stands(content), signal);
    if (open.length > 0 || close.length > 0) return true;
    if (fresh.some((each) => each.status === 'opening')) return false;
    if (rebuilding.target.length > 0 && old[0] !== undefined) {
      // The remote takes one at a time, or less than it did: what has to go now is caught up.
      this.#subscriber.close(old[0]);
      return true;
    }
    this.#rebuilding = undefined;
    this.#leaveUncovered(rebuilding.target);
    return true;
  }

  /** Whether nothing is missed though this content is only being opened. */
  #stands({ topics }: SubscriptionContent): boolean {
    return topics.every((topic) => this.#coverage.stands(topic));
  }

  /** What there is no place for is caught up only; it may still be in subscriptions that are about to go. */
  #leaveUncovered(contents: readonly SubscriptionContent[]): void {
    const topics = contents.flatMap((each) => each.topics).filter((topic) => !isKindsTopic(topic));
    if (topics.length === 0) return;
    for (const topic of topics) this.#uncovered.add(topic);
    const { logger, peer, onSettled } = this.#parts;
    if (!this.#hasWarned) {
      logger.warn(
        { relay: peer.relay, topics: this.#uncovered.size, limits: peer.limits },
        'relay takes too few subscriptions for live sync of everything; filters by kind and the daily catch-up cover the rest',
      );
    }
    this.#hasWarned = true;
    onSettled(topics);
  }

  /** These topics have no subscription any more, and may be asked for again. */
  #again(topics: readonly Topic[]): void {
    if (topics.some(isKindsTopic)) this.#isStale = true;
    for (const topic of topics) if (this.#wanted.has(topic)) this.#missing.add(topic);
    this.#wakeup.notify();
  }

  #isWanted(topic: Topic): boolean {
    return this.#wanted.has(topic) || isKindsTopic(topic);
  }

  #rebuildLater(): void {
    this.#isStale = true;
    this.#wakeup.notify();
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
