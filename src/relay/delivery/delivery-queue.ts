import type { AcceptedEvent } from '../../admission/admission.js';
import type { Clock } from '../../lib/clock.js';
import { type NextTurn, turnOrder } from '../../lib/turns/turn-order.js';
import type { EventFrames } from '../frames/frames.js';
import type { Subscription } from './subscription.js';

/** One event on its way to the subscriptions that it matches. */
export type Delivery = {
  readonly accepted: AcceptedEvent;
  readonly frames: EventFrames;
  readonly to: readonly Subscription[];
};

export type DeliveryLimits = {
  readonly pauseMs: number;
  readonly sliceMs: number;
  readonly eventsMax: number;
  readonly charsMax: number;
};

/**
 * Hands accepted events out in slices of time, between which the event loop does all else: whoever published an
 * event has the `OK` before a thousand others have the event, and nobody's request waits until they do.
 */
export class DeliveryQueue implements Disposable {
  readonly #clock: Pick<Clock, 'monotonic' | 'after'>;
  readonly #limits: DeliveryLimits;
  readonly #onSent: (count: number) => void;
  readonly #onFault: (subscription: Subscription, error: unknown) => void;
  readonly #nextTurn: NextTurn;
  #deliveries: Delivery[] = [];
  /** How many subscriptions have been offered the first of them. */
  #offered = 0;
  /** Characters of all of them. */
  #chars = 0;
  #scheduled = false;

  /**
   * `onSent` is told how many frames were sent, `onFault` what a subscription threw; `nextTurn` runs a task in a later
   * turn of the event loop.
   */
  constructor(
    clock: Pick<Clock, 'monotonic' | 'after'>,
    limits: DeliveryLimits,
    onSent: (count: number) => void,
    onFault: (subscription: Subscription, error: unknown) => void,
    nextTurn: NextTurn = turnOrder.of('delivery'),
  ) {
    this.#clock = clock;
    this.#limits = limits;
    this.#onSent = onSent;
    this.#onFault = onFault;
    this.#nextTurn = nextTurn;
  }

  /** Takes a delivery. When too many wait, the oldest is handed out at once: so its cost slows down who brings more. */
  push(delivery: Delivery): void {
    this.#deliveries.push(delivery);
    this.#chars += delivery.accepted.json.length;
    while (this.#isOverfull) this.#handOut(Number.POSITIVE_INFINITY, 1);
    // The processor is given away for a moment: whoever is told `OK` may be waiting for the one that we run on.
    if (!this.#scheduled) this.#schedule((task) => this.#clock.after(this.#limits.pauseMs, task));
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

  #schedule(later: (task: () => void) => void): void {
    this.#scheduled = this.#deliveries.length > 0;
    if (!this.#scheduled) return;
    later(() => {
      this.#handOut(this.#clock.monotonic() + this.#limits.sliceMs, this.#deliveries.length);
      this.#schedule(this.#nextTurn);
    });
  }

  /** Hands out up to `events` deliveries until `endMs`. */
  #handOut(endMs: number, events: number): void {
    let sent = 0;
    let whole = 0;
    for (; whole < events; whole += 1, this.#offered = 0) {
      const { accepted, frames, to } = this.#deliveries[whole] as Delivery;
      while (this.#offered < to.length && this.#clock.monotonic() < endMs) {
        if (this.#offer(to[this.#offered] as Subscription, accepted, frames)) sent += 1;
        this.#offered += 1;
      }
      if (this.#offered < to.length) break;
    }
    for (const { accepted } of this.#deliveries.splice(0, whole)) this.#chars -= accepted.json.length;
    if (sent > 0) this.#onSent(sent);
  }

  #offer(subscription: Subscription, accepted: AcceptedEvent, frames: EventFrames): boolean {
    try {
      return subscription.offer(accepted, frames);
    } catch (error) {
      this.#onFault(subscription, error);
      return false;
    }
  }
}
