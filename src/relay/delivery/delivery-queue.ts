import type { AcceptedEvent } from '../../admission/admission.js';
import { noteUse } from '../../config/limit-use.js';
import type { Clock } from '../../lib/clock.js';
import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';
import type { EventFrames } from '../frames/frames.js';
import type { Subscription } from './subscription.js';

/** One event on its way to the subscriptions that it matches, of which there is at least one. */
export type Delivery = {
  readonly accepted: AcceptedEvent;
  readonly frames: EventFrames;
  readonly to: readonly Subscription[];
};

export type DeliveryLimits = {
  readonly pauseMs: number;
  readonly eventsMax: number;
  readonly charsMax: number;
};

/**
 * Hands accepted events out in slices of turns, between which the event loop does all else: whoever published an
 * event has the `OK` before a thousand others have the event, and nobody's request waits until they do.
 */
export class DeliveryQueue implements Disposable {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #turns: WorkTurns;
  readonly #limits: DeliveryLimits;
  readonly #offer: (delivery: Delivery, subscription: Subscription) => void;
  #deliveries: Delivery[] = [];
  /** How many subscriptions have been offered the first of them. */
  #offered = 0;
  /** Characters of all of them. */
  #chars = 0;
  #isRunning = false;

  /** `offer` hands the event to one subscription; it must not throw. */
  constructor(
    clock: Pick<Clock, 'after'>,
    turns: WorkTurns,
    limits: DeliveryLimits,
    offer: (delivery: Delivery, subscription: Subscription) => void,
  ) {
    this.#clock = clock;
    this.#turns = turns;
    this.#limits = limits;
    this.#offer = offer;
  }

  /** Takes a delivery. When too many wait, the oldest is handed out at once: so its cost slows down who brings more. */
  push(delivery: Delivery): void {
    this.#deliveries.push(delivery);
    this.#chars += delivery.accepted.json.length;
    noteUse('deliveryEventsMax', this.#deliveries.length);
    noteUse('deliveryCharsMax', this.#chars);
    while (this.#isOverfull) this.#offerNext();
    if (this.#isRunning) return;
    this.#isRunning = true;
    // The processor is given away for a moment: whoever is told `OK` may be waiting for the one that we run on.
    this.#clock.after(this.#limits.pauseMs, () => void this.#run());
  }

  /** Drops what waits. */
  [Symbol.dispose](): void {
    this.#deliveries = [];
    this.#chars = 0;
    this.#offered = 0;
  }

  get #isOverfull(): boolean {
    const { eventsMax, charsMax } = this.#limits;
    return this.#deliveries.length > eventsMax || this.#chars > charsMax;
  }

  async #run(): Promise<void> {
    while (this.#deliveries.length > 0) {
      if (this.#turns.isOver) await this.#turns.next();
      this.#offerNext();
    }
    this.#isRunning = false;
  }

  #offerNext(): void {
    const [delivery] = this.#deliveries;
    if (delivery === undefined) return;
    const subscription = delivery.to[this.#offered] as Subscription;
    this.#offered += 1;
    if (this.#offered === delivery.to.length) {
      this.#deliveries.shift();
      this.#chars -= delivery.accepted.json.length;
      this.#offered = 0;
    }
    this.#offer(delivery, subscription);
  }
}
