import { limits } from '../../config/limits.js';
import { onAbort } from '../../lib/abort.js';
import type { CancelTimer } from '../../lib/clock.js';
import { firstOf, smallest } from '../../lib/collections/lists.js';
import { TaskGroup } from '../../lib/task-group.js';
import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';
import { Wakeup } from '../../lib/wakeup.js';
import type { SubscriptionContent, Topic } from '../topics/layers.js';
import { isSameContent, type PackingLimits, packSubscriptions, rebuildStep } from '../topics/subscription.js';
import type { TopicTable } from '../topics/topic-table.js';
import { isByKind } from './live-kinds.js';
import { LiveSubscriber, type LiveSubscriberParts } from './live-subscriber.js';

export type LiveParts = Omit<LiveSubscriberParts, 'onChange' | 'onOutcome' | 'topics'> & {
  readonly topics: TopicTable;
  /** See `SyncContext`. */
  readonly turns: WorkTurns;
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
    const { clock, kinds, turns } = this.#parts;
    const now = clock.monotonic();
    this.#topics.live.retry(now);
    if (kinds.retry(now)) this.#isRebuildDue = true;
    if (this.#subscriber.isAuthenticating) return false;
    if (this.#rebuilding !== undefined) return await this.#continueRebuild(this.#rebuilding, tasks);
    const { missing, isStale } = this.#topics.live;
    const some = firstOf(missing, limits.liveTopicsMax + 1);
    const packed = packSubscriptions(some, this.#packing(), Math.max(0, this.#placesLeft) + 1);
    const isRebuildDue = this.#isRebuildDue || isStale || this.#placesLeft < 0;
    if (!isRebuildDue && this.#hasRoomFor(packed)) {
      for (const content of packed) await this.#subscriber.open(content, tasks);
      return packed.length > 0;
    }
    if (isRebuildDue || !this.#isFull) this.#beginRebuild();
    else this.#leaveUncovered(firstOf(missing, limits.syncTopicsPerPieceMax));
    if (turns.isOver) await turns.next(tasks.signal);
    return true;
  }

  #hasRoomFor(packed: readonly SubscriptionContent[]): boolean {
    if (packed.length === 0) return true;
    if (packed.length > this.#placesLeft) return false;
    const { live } = this.#topics;
    const topics = packed.reduce((sum, each) => sum + each.topics.length, live.covered);
    const filters = packed.reduce((sum, each) => sum + each.filters.length, this.#subscriber.filters);
    return topics <= limits.liveTopicsMax && filters <= this.#parts.settings.filtersPerConnectionMax;
  }

  /** Whether a rebuild would find no place for anything more. */
  get #isFull(): boolean {
    const { live } = this.#topics;
    const hasNoPlace = this.#placesLeft <= 0 || live.covered >= limits.liveTopicsMax;
    return hasNoPlace && live.isTight && live.uncovered.size > 0;
  }

  /**
   * Everything that there is a place for anew, packed, in the order of what stands: what is packed already is kept as it is.
   * Of what there is no place for a piece is left uncovered, the rest afterwards.
   */
  #beginRebuild(): void {
    const open = this.#subscriber.all();
    const held = new Set(open.flatMap(({ topics }) => topics).filter((topic) => this.#topics.wants(topic)));
    const placesMax = this.#placesMax();
    const topics = [...firstOf(this.#inOrder(held), limits.liveTopicsMax + 1)];
    const packed = packSubscriptions(topics.slice(0, limits.liveTopicsMax), this.#packing(), placesMax + 1);
    const isShort = packed.length > placesMax || topics.length > limits.liveTopicsMax;
    const byKind = isShort ? this.#contentByKind() : [];
    const covered = packed.slice(0, placesMax - byKind.length);
    const places = [...covered, ...byKind];
    const { kept, target } = matchPlaces(places, open);
    const old = open.filter((each) => !kept.has(each));
    this.#rebuilding = { target, old: new Set(old.map(({ id }) => id)) };
    this.#isRebuildDue = false;
    this.#parts.logger.debug(
      { relay: this.#parts.peer.relay, filters: this.filters, open: target.length, close: old.length },
      'rebuild subscriptions',
    );
    const isCovered = new Set(covered.flatMap((each) => each.topics));
    const { missing } = this.#topics.live;
    this.#leaveUncovered(without(held, isCovered));
    this.#leaveUncovered(firstOf(without(missing, isCovered), limits.syncTopicsPerPieceMax));
  }

  /** What is wanted: first what subscriptions ask about. */
  *#inOrder(held: ReadonlySet<Topic>): Iterable<Topic> {
    const { uncovered, missing } = this.#topics.live;
    yield* held;
    yield* without(uncovered, held);
    yield* without(missing, held);
  }

  /** Where there are more subscriptions than places, one of these is for filters by kind, if that is worth it. */
  #contentByKind(): SubscriptionContent[] {
    if (this.#placesMax() < 2) return [];
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
    this.#leaveUncovered(rebuilding.target.flatMap((each) => each.topics));
    return true;
  }

  /** What there is no place for is caught up only; it may still be in subscriptions that are about to go. */
  #leaveUncovered(these: Iterable<Topic>): void {
    const topics = [...these];
    if (topics.length === 0) return;
    this.#topics.live.leftUncovered(topics);
    const { logger, peer, onDue } = this.#parts;
    if (!this.#hasWarned) {
      const { uncovered, missing } = this.#topics.live;
      logger.warn(
        { relay: peer.relay, topics: uncovered.size + missing.size, limits: peer.limits },
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

  /** Less than 0 where the remote takes fewer than it did. */
  get #placesLeft(): number {
    return this.#placesMax() - this.#subscriber.size;
  }

  #packing(): PackingLimits {
    const { messageBytes, filtersPerSubscription } = this.#parts.peer.limits;
    return { tagsPerFilter: this.#parts.settings.tagsPerFilterMax, filtersPerSubscription, messageBytes };
  }
}

function* without(topics: Iterable<Topic>, others: ReadonlySet<Topic>): Iterable<Topic> {
  for (const topic of topics) if (!others.has(topic)) yield topic;
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
