import { onAbort } from '../../lib/abort.js';
import type { CancelTimer } from '../../lib/clock.js';
import { smallest } from '../../lib/collections/lists.js';
import { TaskGroup } from '../../lib/task-group.js';
import { Wakeup } from '../../lib/wakeup.js';
import type { SubscriptionContent } from '../topics/layers.js';
import { isSameContent, type PackingLimits, packSubscriptions, rebuildStep } from '../topics/subscription.js';
import type { TopicTable } from '../topics/topic-table.js';
import { isByKind } from './live-kinds.js';
import { LiveSubscriber, type LiveSubscriberParts } from './live-subscriber.js';

export type LiveParts = Omit<LiveSubscriberParts, 'onChange' | 'onOutcome' | 'topics'> & {
  readonly topics: TopicTable;
  /** There may be something to catch up with: what came live, or cannot for now. */
  readonly onDue: () => void;
};

/** A rebuild that is under way: what is still to be opened, and what it replaces. */
type Rebuilding = { target: readonly SubscriptionContent[]; readonly old: ReadonlySet<string> };

/**
 * The live subscriptions of one connection (docs/sync.md §3, §4): keeps them equal to what is wanted, within the
 * limits of the remote, and opens again what the remote closes. Each subscription asks for nothing stored.
 */
export class LiveSync {
  readonly #parts: LiveParts;
  readonly #topics: TopicTable;
  readonly #subscriber: LiveSubscriber;
  readonly #wakeup = new Wakeup();
  #rebuilding: Rebuilding | undefined;
  #isRebuildDue = false;
  #hasWarned = false;

  constructor(parts: LiveParts) {
    this.#parts = parts;
    this.#topics = parts.topics;
    const { kinds, clock } = parts;
    this.#subscriber = new LiveSubscriber({
      ...parts,
      onOutcome: (content, event, outcome) => {
        if (isByKind(content) && kinds.count(event, outcome, clock.monotonic())) this.#rebuildLater();
      },
      onChange: () => {
        this.#wakeup.notify();
        parts.onDue();
      },
    });
    parts.peer.capacity.onTightened(() => this.wakeUp());
  }

  /** Filters of all open subscriptions. */
  get filters(): number {
    return this.#subscriber.filters;
  }

  get subscriptions(): number {
    return this.#subscriber.size;
  }

  /** What is wanted has changed. */
  wakeUp(): void {
    this.#wakeup.notify();
  }

  /** Acts on every change until `signal` ends it. */
  async run(signal: AbortSignal): Promise<void> {
    const tasks = new TaskGroup(signal);
    using _ = onAbort(tasks.signal, () => this.#wakeup.notify());
    tasks.spawn(async () => await this.#work(tasks));
    try {
      await tasks.join();
    } finally {
      this.#parts.kinds.disconnected();
    }
  }

  async #work(tasks: TaskGroup): Promise<void> {
    while (!tasks.signal.aborted) {
      if (await this.#step(tasks)) continue;
      this.#parts.onUpdating(this.#rebuilding !== undefined || this.#subscriber.isOpening);
      await this.#rest();
    }
  }

  /** Sleeps until something happens, or until something is to be asked for again. */
  async #rest(): Promise<void> {
    const { clock, kinds } = this.#parts;
    const at = smallest([this.#topics.live.nextRetryAt, kinds.retryAt].filter((each) => each !== undefined));
    let cancel: CancelTimer | undefined;
    if (at < Number.POSITIVE_INFINITY) cancel = clock.after(at - clock.monotonic(), () => this.wakeUp());
    await this.#wakeup.wait();
    cancel?.();
  }

  /** Does the next thing; false when there is none for now. */
  async #step(tasks: TaskGroup): Promise<boolean> {
    const now = this.#parts.clock.monotonic();
    this.#topics.live.retry(now);
    if (this.#parts.kinds.retry(now)) this.#isRebuildDue = true;
    if (this.#subscriber.isAuthenticating) return false;
    if (this.#rebuilding !== undefined) return await this.#continueRebuild(this.#rebuilding, tasks);
    const packed = packSubscriptions(this.#topics.live.missing, this.#packing());
    if (this.#isRebuildDue || this.#topics.live.isStale || !this.#hasRoomFor(packed)) {
      this.#beginRebuild();
      return true;
    }
    for (const content of packed) await this.#subscriber.open(content, tasks);
    return packed.length > 0;
  }

  #hasRoomFor(packed: readonly SubscriptionContent[]): boolean {
    if (this.#subscriber.size + packed.length > this.#placesMax()) return false;
    if (packed.length === 0) return true;
    const filters = packed.reduce((sum, each) => sum + each.filters.length, this.#subscriber.filters);
    return filters <= this.#parts.settings.filtersPerConnectionMax;
  }

  /** Everything anew, packed, in the order of what stands: what is packed already is kept as it is. */
  #beginRebuild(): void {
    const { missing, uncovered } = this.#topics.live;
    const open = this.#subscriber.all();
    const held = open.flatMap(({ topics }) => topics).filter((topic) => this.#topics.wants(topic));
    const all = new Set([...held, ...uncovered, ...missing]);
    const packed = packSubscriptions(all, this.#packing());
    const byKind = this.#contentByKind(packed.length);
    const covered = packed.slice(0, this.#placesMax() - byKind.length);
    const places = [...covered, ...byKind];
    const { kept, target } = matchPlaces(places, open);
    const old = open.filter((each) => !kept.has(each));
    this.#rebuilding = { target, old: new Set(old.map(({ id }) => id)) };
    this.#isRebuildDue = false;
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
  async #continueRebuild(rebuilding: Rebuilding, tasks: TaskGroup): Promise<boolean> {
    const all = this.#subscriber.all();
    const old = all.filter((each) => rebuilding.old.has(each.id));
    const fresh = all.filter((each) => !rebuilding.old.has(each.id));
    const room = this.#parts.peer.limits.liveSubscriptions - all.length;
    const { open, close } = rebuildStep({ old, fresh, target: rebuilding.target }, room);
    for (const id of close) this.#subscriber.close(id);
    rebuilding.target = rebuilding.target.slice(open.length);
    for (const content of open) await this.#subscriber.open(content, tasks);
    if (open.length > 0 || close.length > 0) return true;
    if (fresh.some((each) => each.status === 'opening')) return false;
    if (rebuilding.target.length > 0 && old[0] !== undefined) {
      // The remote takes one at a time, or less than it did: what has to go now is caught up.
      this.#subscriber.close(old[0].id);
      return true;
    }
    this.#rebuilding = undefined;
    this.#leaveUncovered(rebuilding.target);
    return true;
  }

  /** What there is no place for is caught up only; it may still be in subscriptions that are about to go. */
  #leaveUncovered(contents: readonly SubscriptionContent[]): void {
    const topics = contents.flatMap((each) => each.topics);
    if (topics.length === 0) return;
    this.#topics.live.leftUncovered(topics);
    const { logger, peer, onDue } = this.#parts;
    if (!this.#hasWarned) {
      logger.warn(
        { relay: peer.relay, topics: this.#topics.live.uncovered.size, limits: peer.limits },
        'relay takes too few subscriptions for live sync of everything; filters by kind and the daily catch-up cover the rest',
      );
    }
    this.#hasWarned = true;
    onDue();
  }

  #rebuildLater(): void {
    this.#isRebuildDue = true;
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

/** Which open subscriptions are what a place is for, one for each place, and what is to be opened for the others. */
function matchPlaces<T extends SubscriptionContent>(
  places: readonly SubscriptionContent[],
  open: readonly T[],
): { readonly kept: ReadonlySet<T>; readonly target: readonly SubscriptionContent[] } {
  const kept = new Set<T>();
  const target = places.filter((content) => {
    const same = open.findLast((each) => !kept.has(each) && isSameContent(each, content));
    if (same !== undefined) kept.add(same);
    return same === undefined;
  });
  return { kept, target };
}
