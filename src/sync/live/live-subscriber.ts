import type { AdmissionOutcome } from '../../admission/admission.js';
import { type Clock, unixSeconds } from '../../lib/clock.js';
import type { Random } from '../../lib/random.js';
import type { NostrEvent } from '../../nostr/event.js';
import type { ChannelMessage } from '../peer/channel.js';
import type { Peer } from '../peer/peer.js';
import { readRefusal } from '../peer/refusal.js';
import type { RemoteEventSubmitter } from '../peer/remote-event-submitter.js';
import type { SyncLogger } from '../report/logger.js';
import type { SyncSettings } from '../settings.js';
import type { Topic } from '../topics/layers.js';
import { matcherOf } from '../topics/matcher.js';
import type { SubscriptionContent } from '../topics/subscription.js';
import type { SyncProgress } from '../topics/sync-progress.js';
import { LiveCoverage, type LiveSubscription } from './live-coverage.js';
import { LiveRetries } from './live-retries.js';

export type LiveSubscriberParts = {
  readonly peer: Peer;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: SyncLogger;
  readonly settings: SyncSettings;
  readonly submitter: RemoteEventSubmitter;
  readonly progress: SyncProgress;
  /** What catch-up may begin with: topics whose subscription stands, or cannot stand for now. */
  readonly onSettled: (topics: readonly Topic[]) => void;
  /** The remote closed a subscription to these topics, for a reason of its own. */
  readonly onRefused: (topics: readonly Topic[]) => void;
  /** Whether subscriptions are being changed. */
  readonly onUpdating: (isUpdating: boolean) => void;
  readonly isWanted: (topic: Topic) => boolean;
  /** The topics have no subscription any more, and the remote may be asked for one again. */
  readonly onLost: (topics: readonly Topic[]) => void;
  /** What became of an event that a subscription brought. */
  readonly onOutcome: (
    subscription: SubscriptionContent,
    event: NostrEvent,
    outcome: AdmissionOutcome,
  ) => void;
  /** What the remote has confirmed or closed is to be looked at. */
  readonly onChange: () => void;
};

/**
 * Opens and closes live subscriptions on one connection, takes their events, and acts on what the remote does with them:
 * confirms, closes, says nothing.
 */
export class LiveSubscriber {
  readonly coverage = new LiveCoverage();
  readonly #parts: LiveSubscriberParts;
  readonly #retries: LiveRetries;
  #isAuthenticating = false;

  constructor(parts: LiveSubscriberParts) {
    this.#parts = parts;
    this.#retries = new LiveRetries(parts);
  }

  /** Whether we tell the remote who we are: until that is done, nothing is asked. */
  get isAuthenticating(): boolean {
    return this.#isAuthenticating;
  }

  /** The topics are not wanted any more. */
  forget(topics: readonly Topic[]): void {
    this.#retries.forget(topics);
  }

  /** The connection ended. */
  stop(): void {
    this.#retries.stop();
  }

  /** `announces`: whether catch-up is told when it stands. Rejects when the connection ended. */
  async open(content: SubscriptionContent, announces: boolean, signal: AbortSignal): Promise<void> {
    const { peer, clock, onUpdating } = this.#parts;
    await peer.ready(signal);
    const matches = matcherOf(content.filters);
    const sentAt = clock.monotonic();
    const channel = peer.openChannel('l', {
      source: 'live_sync',
      onEvent: (event) => {
        if (matches(event)) void this.#deliver(subscription, event);
        else peer.violation();
      },
      onMessage: (message) => this.#onMessage(subscription, message),
      onSilent: () => this.#onSilent(subscription, sentAt),
      onGone: () => {},
    });
    const { id } = channel;
    const subscription: LiveSubscription = { ...content, id, status: 'opening', channel, announces };
    this.coverage.add(subscription);
    onUpdating(true);
    peer.send(['REQ', id, ...content.filters.map((filter) => ({ ...filter, limit: 0 }))]);
    channel.expect();
  }

  /** `tell`: whether the remote has to be told. */
  close(subscription: LiveSubscription | undefined, tell = true): void {
    if (subscription === undefined || !this.coverage.remove(subscription)) return;
    this.#parts.peer.closeChannel(subscription.channel, tell ? 'CLOSE' : undefined);
    this.#parts.onChange();
  }

  async #deliver(subscription: LiveSubscription, event: NostrEvent): Promise<void> {
    const outcome = await this.#parts.submitter.deliver(event, 'live_sync');
    if (outcome !== undefined) this.#parts.onOutcome(subscription, event, outcome);
  }

  #onMessage(subscription: LiveSubscription, message: ChannelMessage): boolean {
    if (message.type === 'EOSE') return this.#confirm(subscription);
    if (message.type === 'CLOSED') this.#onClosed(subscription, message.reason);
    return message.type === 'CLOSED';
  }

  /** False when it was confirmed before. */
  #confirm(subscription: LiveSubscription): boolean {
    subscription.channel.rest();
    if (subscription.status === 'confirmed') return false;
    subscription.status = 'confirmed';
    const { peer, progress, clock, onSettled, onChange } = this.#parts;
    peer.answered();
    this.#retries.forget(subscription.topics);
    progress.opened(subscription.topics, unixSeconds(clock));
    if (subscription.announces) onSettled(subscription.topics);
    onChange();
    return true;
  }

  #onSilent(subscription: LiveSubscription, sentAt: number): void {
    const { peer, onSettled } = this.#parts;
    peer.unanswered(sentAt);
    this.close(subscription);
    onSettled(subscription.topics);
    this.#retryLater(subscription.topics);
  }

  #onClosed(subscription: LiveSubscription, reason: string): void {
    const { peer, logger, onSettled, onLost, onRefused } = this.#parts;
    const { topics } = subscription;
    logger.debug({ relay: peer.relay, reason: reason.slice(0, 200) }, 'relay closed a live subscription');
    this.close(subscription, false);
    // As live as they can be for now: catch-up need not wait, it comes again when they are.
    onSettled(topics);
    switch (readRefusal(reason).type) {
      case 'slow-down':
        peer.slowDown();
        onLost(topics);
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
        // One that stood is refused for another reason than its filters.
        if (subscription.status === 'opening') onRefused(topics);
        this.#retryLater(topics);
        return;
    }
  }

  /** Asks for less at once; a relay that does not take the least there is has to be waited for. */
  #tighten(what: 'subscriptions' | 'filters', topics: readonly Topic[]): void {
    if (this.#parts.peer.tighten(what)) this.#parts.onLost(topics);
    else this.#retryLater(topics);
  }

  #authenticate(topics: readonly Topic[]): void {
    const { peer, onLost } = this.#parts;
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
        onLost(topics);
      });
  }

  #retryLater(topics: readonly Topic[]): void {
    const { isWanted, onLost } = this.#parts;
    const wanted = topics.filter(isWanted);
    this.#retries.later(wanted, () => onLost(wanted));
  }
}
