import type { AdmissionOutcome } from '../../admission/admission.js';
import { limits } from '../../config/limits.js';
import { backoffMs } from '../../lib/backoff.js';
import { type Clock, unixSeconds } from '../../lib/clock.js';
import { type Random, randomInteger } from '../../lib/random.js';
import type { TaskGroup } from '../../lib/task-group.js';
import type { NostrEvent } from '../../nostr/event.js';
import { PeerGoneError } from '../errors.js';
import type { Peer } from '../peer/peer.js';
import type { Subscription, SubscriptionChange } from '../peer/questions.js';
import type { RemoteEventSubmitter } from '../peer/remote-event-submitter.js';
import type { SyncLogger } from '../report/logger.js';
import type { SyncSettings } from '../settings.js';
import type { SubscriptionContent, Topic } from '../topics/layers.js';
import type { LiveTopics } from '../topics/live-topics.js';
import type { OpenSubscription } from '../topics/subscription.js';
import { isByKind, type LiveKinds } from './live-kinds.js';

/** A live subscription as it stands on one connection. */
export type LiveSubscription = OpenSubscription & {
  /** What was asked of the remote. */
  readonly request: Subscription;
  status: 'opening' | 'confirmed';
  /** When it was confirmed, in monotonic milliseconds. */
  confirmedAt?: number;
};

export type LiveSubscriberParts = {
  readonly peer: Peer;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: SyncLogger;
  readonly settings: SyncSettings;
  readonly submitter: RemoteEventSubmitter;
  readonly topics: { readonly live: LiveTopics };
  readonly kinds: LiveKinds;
  /** The remote closed a subscription that was never confirmed, for a reason of its own. */
  readonly onRejected: (content: SubscriptionContent) => void;
  /** Whether subscriptions are being changed. */
  readonly onUpdating: (isUpdating: boolean) => void;
  /** What became of an event that a subscription brought. */
  readonly onOutcome: (content: SubscriptionContent, event: NostrEvent, outcome: AdmissionOutcome) => void;
  /** The table, or what is open, has changed. */
  readonly onChange: () => void;
};

/**
 * Opens and closes live subscriptions on one connection, takes their events, and tells the table what the remote does
 * with them: confirms, closes, says nothing.
 */
export class LiveSubscriber {
  readonly #parts: LiveSubscriberParts;
  readonly #open = new Map<string, LiveSubscription>();
  /** Topics of which a part of the subscriptions was lost: the parts that were to follow are not opened any more. */
  readonly #lostTopics = new WeakSet<readonly Topic[]>();
  #isAuthenticating = false;

  constructor(parts: LiveSubscriberParts) {
    this.#parts = parts;
  }

  /** Whether we tell the remote who we are: until that is done, nothing is asked. */
  get isAuthenticating(): boolean {
    return this.#isAuthenticating;
  }

  /** How many are open. */
  get size(): number {
    return this.#open.size;
  }

  /** Filters of all of them. */
  get filters(): number {
    let filters = 0;
    for (const each of this.#open.values()) filters += each.filters.length;
    return filters;
  }

  get isOpening(): boolean {
    return this.all().some((each) => each.status === 'opening');
  }

  /** All of them, oldest first. */
  all(): LiveSubscription[] {
    return [...this.#open.values()];
  }

  /** `tasks` are for what becomes of it. Rejects when the connection ended. */
  async open(content: SubscriptionContent, tasks: TaskGroup): Promise<void> {
    const { peer, topics, onUpdating } = this.#parts;
    if (this.#lostTopics.has(content.topics)) return;
    const request = await peer.subscribe(
      content.filters,
      {
        onEvent: (event) => tasks.spawn(async () => await this.#deliver(subscription, event)),
        onChange: (change) => this.#onChange(subscription, change, tasks),
      },
      tasks.signal,
    );
    if (request === undefined) throw new PeerGoneError(peer.relay);
    if (this.#lostTopics.has(content.topics)) {
      request.close();
      return;
    }
    const subscription: LiveSubscription = { ...content, id: request.id, status: 'opening', request };
    this.#open.set(request.id, subscription);
    topics.live.opened(subscription);
    onUpdating(true);
  }

  close(id: string): void {
    const subscription = this.#open.get(id);
    if (subscription === undefined) return;
    this.#end(subscription);
    this.#parts.topics.live.closed(subscription);
    this.#parts.onChange();
  }

  #end(subscription: LiveSubscription): void {
    this.#open.delete(subscription.id);
    subscription.request.close();
  }

  async #deliver(subscription: LiveSubscription, event: NostrEvent): Promise<void> {
    const outcome = await this.#parts.submitter.deliver(event, 'live_sync');
    if (outcome !== undefined) this.#parts.onOutcome(subscription, event, outcome);
  }

  #onChange(subscription: LiveSubscription, change: SubscriptionChange, tasks: TaskGroup): void {
    if (change.type === 'confirmed') this.#confirm(subscription);
    else this.#onClosed(subscription, change, tasks);
  }

  /** The subscriptions to the same topics, where the remote takes fewer filters in one than these need; oldest first. */
  #partsOf({ topics }: SubscriptionContent): LiveSubscription[] {
    return this.all().filter((each) => each.topics === topics);
  }

  #confirm(subscription: LiveSubscription): void {
    const { topics, kinds, clock, onChange } = this.#parts;
    subscription.status = 'confirmed';
    subscription.confirmedAt = clock.monotonic();
    const parts = this.#partsOf(subscription);
    const newest = parts.at(-1);
    // Its topics are live when all of it is.
    if (newest !== undefined && parts.every(({ status }) => status === 'confirmed'))
      topics.live.confirmed(newest, unixSeconds(clock));
    if (isByKind(subscription)) kinds.confirmed();
    onChange();
  }

  #onClosed(
    subscription: LiveSubscription,
    change: Exclude<SubscriptionChange, { readonly type: 'confirmed' }>,
    tasks: TaskGroup,
  ): void {
    const { peer, logger, onRejected } = this.#parts;
    if (change.type === 'silent') {
      this.#lose(subscription, 'later');
      return;
    }
    const { reason, rejection, isAdapted } = change;
    logger.debug({ relay: peer.relay, reason: reason.slice(0, 200) }, 'relay closed a live subscription');
    if (isAdapted) {
      this.#lose(subscription, 'now');
    } else if (rejection.type === 'auth') {
      this.#authenticate(subscription, tasks);
    } else {
      this.#lose(subscription, 'later');
      // One that stood is rejected for another reason than its filters; and one that is too much, for no topic of it.
      const isTooMuch = rejection.type === 'too-many-subscriptions' || rejection.type === 'too-many-filters';
      if (subscription.status === 'opening' && !isTooMuch) onRejected(subscription);
    }
  }

  #authenticate(subscription: LiveSubscription, tasks: TaskGroup): void {
    const { peer, topics, kinds, onChange } = this.#parts;
    // A relay that took our key and still wants it rejects these filters, not us.
    const hasFailed = isByKind(subscription) ? kinds.hasFailed : topics.live.hasFailed(subscription.topics);
    this.#lose(subscription, hasFailed ? 'later' : 'now');
    if (hasFailed) return;
    if (isByKind(subscription)) kinds.failed();
    else topics.live.failed(subscription.topics);
    this.#isAuthenticating = true;
    tasks.spawn(async () => {
      await peer.authenticate();
      this.#isAuthenticating = false;
      onChange();
    });
  }

  /** Asked for again at once, or after a backoff of its own. */
  #lose(subscription: LiveSubscription, again: 'now' | 'later'): void {
    const { topics, kinds, clock, onChange } = this.#parts;
    const stoodMs = clock.monotonic() - (subscription.confirmedAt ?? clock.monotonic());
    const parts = this.#partsOf(subscription);
    for (const part of parts) this.#end(part);
    if (!isByKind(subscription)) this.#lostTopics.add(subscription.topics);
    topics.live.lost(parts.at(-1) ?? subscription, stoodMs >= limits.liveStableMsMin);
    if (isByKind(subscription)) {
      kinds.lost(again === 'now' ? clock.monotonic() : this.#retryAt(kinds.failed()));
    } else if (again === 'later') {
      topics.live.failedUntil(subscription.topics, (failures) => this.#retryAt(failures));
    }
    onChange();
  }

  /** After so many failures in a row, in monotonic milliseconds. */
  #retryAt(failures: number): number {
    const { clock, random, settings } = this.#parts;
    const jitterMs = randomInteger(random, settings.startupJitterMs + 1);
    const waitMs = backoffMs(failures - 1, settings.backoffBaseMs, settings.backoffMaxMs);
    return clock.monotonic() + waitMs + jitterMs;
  }
}
