import type { AdmissionOutcome } from '../../admission/admission.js';
import { type Clock, unixSeconds } from '../../lib/clock.js';
import type { Random } from '../../lib/random.js';
import type { NostrEvent } from '../../nostr/event.js';
import { PeerGoneError } from '../errors.js';
import type { Peer } from '../peer/peer.js';
import type { RemoteEventSubmitter } from '../peer/remote-event-submitter.js';
import type { SubscriptionChange } from '../peer/subscription.js';
import type { SyncLogger } from '../report/logger.js';
import type { SyncSettings } from '../settings.js';
import type { Topic } from '../topics/layers.js';
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
    const { peer, onUpdating } = this.#parts;
    const request = await peer.subscribe(
      content.filters,
      {
        onEvent: (event) => void this.#deliver(subscription, event),
        onChange: (change) => this.#onChange(subscription, change),
      },
      signal,
    );
    if (request === undefined) throw new PeerGoneError(peer.relay);
    const subscription: LiveSubscription = {
      ...content,
      id: request.id,
      status: 'opening',
      request,
      announces,
    };
    this.coverage.add(subscription);
    onUpdating(true);
  }

  close(subscription: LiveSubscription | undefined): void {
    if (subscription === undefined || !this.coverage.remove(subscription)) return;
    subscription.request.close();
    this.#parts.onChange();
  }

  async #deliver(subscription: LiveSubscription, event: NostrEvent): Promise<void> {
    const outcome = await this.#parts.submitter.deliver(event, 'live_sync');
    if (outcome !== undefined) this.#parts.onOutcome(subscription, event, outcome);
  }

  #onChange(subscription: LiveSubscription, change: SubscriptionChange): void {
    if (change.type === 'confirmed') this.#confirm(subscription);
    else this.#onClosed(subscription, change);
  }

  #confirm(subscription: LiveSubscription): void {
    subscription.status = 'confirmed';
    const { progress, clock, onSettled, onChange } = this.#parts;
    this.#retries.forget(subscription.topics);
    progress.opened(subscription.topics, unixSeconds(clock));
    if (subscription.announces) onSettled(subscription.topics);
    onChange();
  }

  #onClosed(
    subscription: LiveSubscription,
    change: Exclude<SubscriptionChange, { readonly type: 'confirmed' }>,
  ): void {
    const { peer, logger, onSettled, onLost, onRefused } = this.#parts;
    const { topics } = subscription;
    this.close(subscription);
    // As live as they can be for now: catch-up need not wait, it comes again when they are.
    onSettled(topics);
    if (change.type === 'silent') {
      this.#retryLater(topics);
      return;
    }
    const { reason, rejection, isAdapted } = change;
    logger.debug({ relay: peer.relay, reason: reason.slice(0, 200) }, 'relay closed a live subscription');
    if (isAdapted) {
      onLost(topics);
    } else if (rejection.type === 'auth') {
      this.#authenticate(topics);
    } else {
      // One that stood is rejected for another reason than its filters; and one that is too much, for no topic of it.
      const isTooMuch = rejection.type === 'too-many-subscriptions' || rejection.type === 'too-many-filters';
      if (subscription.status === 'opening' && !isTooMuch) onRefused(topics);
      this.#retryLater(topics);
    }
  }

  #authenticate(topics: readonly Topic[]): void {
    const { peer, onLost } = this.#parts;
    // A relay that took our key and still wants it rejects these filters, not us.
    if (this.#retries.hasFailed(topics)) {
      this.#retryLater(topics);
      return;
    }
    this.#retries.count(topics);
    this.#isAuthenticating = true;
    void peer.authenticate().then(() => {
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
