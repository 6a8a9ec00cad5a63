import { EventFeed } from '../../admission/event-feed.js';
import { LazyAcceptedEvent } from '../../admission/lazy-accepted-event.js';
import { limits } from '../../config/limits.js';
import { type Deferred, deferred, onAbort } from '../../lib/abort.js';
import { type Clock, secondMs } from '../../lib/clock.js';
import { errorMessage } from '../../lib/errors.js';
import type { Faults } from '../../lib/faults.js';
import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';
import { Wakeup } from '../../lib/wakeup.js';
import type { NostrEvent } from '../../nostr/event.js';
import { StoreError } from '../../store/event-store.js';
import type { FollowedStore } from '../../store/following/follow-log.js';
import type { FollowerMetrics } from './follower-metrics.js';
import { type Behind, Lag } from './lag.js';

export type FollowedFeedParts = {
  readonly followed: Pick<FollowedStore, 'advance' | 'store'>;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly metrics: FollowerMetrics;
  /** Those in which what came is announced: a listener may have much to do for each event. */
  readonly turns: WorkTurns;
  /** Told after each look at the database up to which sequence all is served here. */
  readonly onServed: (sequence: number) => void;
};

/** Who waits for all that was in the database when it was looked at next: up to the segment `end`, once that is known. */
type Waiting = { end: number; readonly reached: Deferred<void> };

/** Where an event came from is known where it was taken. */
const source = { type: 'direct' } as const;

/** Takes over what another graspd writes, as soon as it tells, and announces it to those who listen here. */
export class FollowedFeed {
  readonly feed: EventFeed;
  readonly #parts: FollowedFeedParts;
  readonly #wakeup = new Wakeup();
  /** Those who asked since the last look at the database. */
  #next: Deferred<void> | undefined;
  /** Those who asked before, in the order of what they wait for. */
  readonly #waiting: Waiting[] = [];
  readonly #lag: Lag;
  #awaySinceMs: number | undefined;
  #awayReason = '';
  #sweepAtMs = 0;
  #isOver = false;

  constructor(parts: FollowedFeedParts) {
    const { clock, faults, followed, metrics } = parts;
    this.#parts = parts;
    this.#lag = new Lag(clock, followed.store.lastSequence);
    const attempt = <T>(_id: string | undefined, step: () => T): T | undefined => {
      try {
        return step();
      } catch (error) {
        faults.note('client', error);
        return undefined;
      }
    };
    this.feed = new EventFeed({ attempt }, followed.store.lastSequence);
    metrics.watchLag(() => this.#lag.behind.events);
  }

  /** Why the database is not read, when it has not been for a while. */
  get awayReason(): string | undefined {
    const { clock } = this.#parts;
    const isAway =
      this.#awaySinceMs !== undefined && clock.monotonic() - this.#awaySinceMs >= limits.databaseWaitMsMax;
    return isAway ? this.#awayReason : undefined;
  }

  /** Something was written, and all up to this sequence. */
  written(sequence: number): void {
    this.#lag.told(sequence);
    // What left brings no sequence.
    this.#wakeup.notify();
  }

  /** How far what is served here is behind what we were told of. */
  get behind(): Behind {
    return this.#lag.behind;
  }

  /** Passes an event on that is not stored. */
  passOn(event: NostrEvent): void {
    this.feed.emitAccepted(new LazyAcceptedEvent(event, source, undefined));
  }

  /** Resolves when all that is written by now is here, or was tried to be read. */
  async caughtUp(): Promise<void> {
    if (this.#isOver) return;
    this.#next ??= deferred();
    this.#wakeup.notify();
    await this.#next.promise;
  }

  /**
   * Works until the signal aborts. Rejects with `StoreError` when it cannot go on (`store_left_behind`: from an index that is
   * made anew it can). A database that is away is waited for.
   */
  async run(signal: AbortSignal): Promise<void> {
    using _ = onAbort(signal, () => this.#wakeup.notify());
    try {
      while (!signal.aborted) {
        const cancel = this.#parts.clock.after(limits.followerLookMs, () => this.#wakeup.notify());
        await this.#wakeup.wait();
        cancel();
        if (!signal.aborted) await this.#advance();
      }
    } finally {
      this.#isOver = true;
      this.#next?.resolve();
      this.#reached(Number.POSITIVE_INFINITY);
    }
  }

  async #advance(): Promise<void> {
    const { clock } = this.#parts;
    try {
      for (let hasMore = true; hasMore; ) hasMore = await this.#takeOver();
      this.#awaySinceMs = undefined;
    } catch (error) {
      if (!(error instanceof StoreError && error.retryable)) throw error;
      // It was tried.
      this.#reached(Number.POSITIVE_INFINITY);
      this.#awaySinceMs ??= clock.monotonic();
      this.#awayReason = errorMessage(error);
      return;
    }
    this.#sweep();
  }

  /** Takes over the next piece of the log and announces it; whether there is more. */
  async #takeOver(): Promise<boolean> {
    const { followed, turns } = this.#parts;
    const asked = this.#next && { end: Number.POSITIVE_INFINITY, reached: this.#next };
    this.#next = undefined;
    if (asked !== undefined) this.#waiting.push(asked);
    const { added, removed, position, end } = await followed.advance();
    if (asked !== undefined) asked.end = end;
    for (const { event, sequence } of added) {
      if (turns.isOver) await turns.next();
      this.feed.emitAccepted(new LazyAcceptedEvent(event, source, sequence));
    }
    this.feed.emitRemoved({ removed });
    this.#served();
    this.#reached(position);
    return position < end;
  }

  /** Those go on who wait for no more than what is here. */
  #reached(position: number): void {
    while (this.#waiting.length > 0 && (this.#waiting[0] as Waiting).end <= position)
      this.#waiting.shift()?.reached.resolve();
  }

  /** All that is in the index is announced by now. */
  #served(): void {
    const { followed, metrics, onServed } = this.#parts;
    const { lastSequence } = followed.store;
    const tookMs = this.#lag.reached(lastSequence);
    if (tookMs !== undefined) metrics.delay.observe(tookMs / secondMs);
    onServed(lastSequence);
  }

  /** Tells of what has expired here (NIP-40), which no answer has any more. */
  #sweep(): void {
    const { clock, followed } = this.#parts;
    if (clock.monotonic() < this.#sweepAtMs) return;
    this.#sweepAtMs = clock.monotonic() + limits.expirySweepIntervalMs;
    this.feed.emitRemoved({ removed: followed.store.removeExpired().removed });
  }
}
