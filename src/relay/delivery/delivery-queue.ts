import type { AcceptedEvent } from '../../admission/admission.js';
import { noteUse } from '../../config/limit-use.js';
import type { Clock } from '../../lib/clock.js';
import { Fifo } from '../../lib/collections/fifo.js';
import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';
import { EventFrames } from '../frames/frames.js';
import type { Subscribers, WaitingEvent } from './subscribers.js';
import type { Subscription } from './subscription.js';

export type DeliveryLimits = {
  readonly pauseMs: number;
  /** Of one address: events that wait, and their characters, above which some is handed out at once. */
  readonly eventsMax: number;
  readonly charsMax: number;
  /** To how many of its subscriptions it then is, and in one piece otherwise. */
  readonly atOnceMax: number;
  /** Of all addresses: offers that wait, and characters of events, above which what waits for long is given up. */
  readonly offersMax: number;
  readonly waitingCharsMax: number;
  /** Events whose frames are kept while they are handed out. */
  readonly framesMax: number;
};

/** What becomes of what waits. Neither may throw. */
export type DeliveryTarget = {
  /** Hands the event to one subscription. */
  offer(subscription: Subscription, accepted: AcceptedEvent, frames: EventFrames): void;
  /** Ends a subscription that missed an event. */
  end(subscription: Subscription): void;
};

/**
 * Hands accepted events out in slices of turns, between which the event loop does all else: whoever published an
 * event has the `OK` before a thousand others have the event, and nobody's request waits until they do. Each address has its
 * turn with what waits for it, so that one with very many subscriptions delays itself and nobody else.
 */
export class DeliveryQueue implements Disposable {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #turns: WorkTurns;
  readonly #limits: DeliveryLimits;
  readonly #target: DeliveryTarget;
  /** In the order of their turns. */
  #listed = new Fifo<Subscribers>();
  /** Those that missed an event and have not ended yet. */
  #late = new Fifo<Subscription>();
  readonly #frames = new Map<AcceptedEvent, EventFrames>();
  #offers = 0;
  /** Characters of all events that wait, each counted once. */
  #chars = 0;
  #isRunning = false;

  constructor(
    clock: Pick<Clock, 'after'>,
    turns: WorkTurns,
    deliveryLimits: DeliveryLimits,
    target: DeliveryTarget,
  ) {
    this.#clock = clock;
    this.#turns = turns;
    this.#limits = deliveryLimits;
    this.#target = target;
  }

  /**
   * Takes an event for the subscriptions that it matches, of which there is at least one. Where too many wait for an address,
   * some of the oldest is handed out at once: so its cost slows down who brings more. Where that does not suffice, the
   * address for which the most waits gives up what has waited longest.
   */
  push(accepted: AcceptedEvent, to: readonly Subscription[]): void {
    const event: WaitingEvent = { accepted, lots: 0 };
    const reached: Subscribers[] = [];
    for (const subscription of to) {
      const { subscribers } = subscription;
      const { lots } = event;
      subscribers.add(event, subscription);
      if (event.lots > lots) reached.push(subscribers);
    }
    this.#offers += to.length;
    this.#chars += accepted.json.length;
    noteUse('deliveryOffersMax', this.#offers);
    noteUse('deliveryWaitingCharsMax', this.#chars);
    for (const subscribers of reached) {
      this.#list(subscribers);
      this.#handOutSome(subscribers);
    }
    while (this.#isOverfull) this.#giveUpSome();
    if (this.#isRunning) return;
    this.#isRunning = true;
    // The processor is given away for a moment: whoever is told `OK` may be waiting for the one that we run on.
    this.#clock.after(this.#limits.pauseMs, () => void this.#run());
  }

  /** Drops what waits. */
  [Symbol.dispose](): void {
    this.#listed = new Fifo();
    this.#late = new Fifo();
    this.#frames.clear();
  }

  get #isOverfull(): boolean {
    const { offersMax, waitingCharsMax } = this.#limits;
    return this.#offers > offersMax || this.#chars > waitingCharsMax;
  }

  #list(subscribers: Subscribers): void {
    if (subscribers.areListed) return;
    subscribers.areListed = true;
    this.#listed.push(subscribers);
  }

  async #run(): Promise<void> {
    while (this.#listed.length + this.#late.length > 0) {
      if (this.#turns.isOver) await this.#turns.next();
      const late = this.#late.shift();
      if (late !== undefined) this.#target.end(late);
      this.#serveNext();
    }
    this.#frames.clear();
    this.#isRunning = false;
  }

  /** Hands a piece of the oldest event to those whose turn it is. */
  #serveNext(): void {
    const subscribers = this.#listed.shift();
    if (subscribers === undefined) return;
    subscribers.areListed = false;
    const { oldest } = subscribers;
    for (let count = 0; count < this.#limits.atOnceMax && subscribers.oldest === oldest; count += 1)
      this.#offerNext(subscribers);
    if (subscribers.events > 0) this.#list(subscribers);
  }

  #handOutSome(subscribers: Subscribers): void {
    const { eventsMax, charsMax, atOnceMax } = this.#limits;
    noteUse('deliveryEventsMax', subscribers.events);
    noteUse('deliveryCharsMax', subscribers.chars);
    for (let count = 0; count < atOnceMax; count += 1) {
      if (subscribers.events <= eventsMax && subscribers.chars <= charsMax) return;
      this.#offerNext(subscribers);
    }
  }

  #offerNext(subscribers: Subscribers): void {
    const event = subscribers.oldest?.event;
    const subscription = subscribers.take();
    if (event === undefined || subscription === undefined) return;
    this.#count(event, 1);
    this.#target.offer(subscription, event.accepted, this.#framesOf(event.accepted));
  }

  /** Gives up the oldest event of the address for which the most waits. */
  #giveUpSome(): void {
    const isOfOffers = this.#offers > this.#limits.offersMax;
    const sizeOf = ({ offers, chars }: Subscribers): number => (isOfOffers ? offers : chars);
    let largest: Subscribers | undefined;
    for (const subscribers of this.#listed)
      if (largest === undefined || sizeOf(subscribers) > sizeOf(largest)) largest = subscribers;
    const event = largest?.oldest?.event;
    if (largest === undefined || event === undefined) throw new TypeError('nothing waits');
    const missing = largest.takeAll();
    this.#count(event, missing.length);
    for (const subscription of missing) if (subscription.miss()) this.#late.push(subscription);
  }

  /** So many subscriptions wait for the event no longer. */
  #count({ accepted, lots }: WaitingEvent, offers: number): void {
    this.#offers -= offers;
    if (lots === 0) this.#chars -= accepted.json.length;
  }

  #framesOf(accepted: AcceptedEvent): EventFrames {
    let frames = this.#frames.get(accepted);
    if (frames !== undefined) return frames;
    const [oldest] = this.#frames.keys();
    if (oldest !== undefined && this.#frames.size >= this.#limits.framesMax) this.#frames.delete(oldest);
    frames = new EventFrames(accepted);
    this.#frames.set(accepted, frames);
    return frames;
  }
}
