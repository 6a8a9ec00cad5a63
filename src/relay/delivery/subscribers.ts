import type { AcceptedEvent } from '../../admission/admission.js';
import type { AddressAccount } from '../../lib/budgets/address-accounts.js';
import { Fifo } from '../../lib/collections/fifo.js';
import type { Subscription } from './subscription.js';

/** An event that some have not been handed yet; `lots` counts whose. */
export type WaitingEvent = { readonly accepted: AcceptedEvent; lots: number };

/** One event on its way to those of one address that it matches, of whom so many were offered it. */
export type Lot = { readonly event: WaitingEvent; readonly to: Subscription[]; offered: number };

/** The subscriptions of all clients of one address, or of one client of this machine, and what waits to be handed to them. */
export class Subscribers {
  readonly account: Pick<AddressAccount, 'takeDelivery'>;
  /** How many subscriptions are open. */
  open = 0;
  /** Of how many filters these are. */
  filters = 0;
  /** Whether they wait for their turn. */
  areListed = false;
  readonly #lots = new Fifo<Lot>();
  #newest: Lot | undefined;
  #chars = 0;
  #offers = 0;

  constructor(account: Pick<AddressAccount, 'takeDelivery'>) {
    this.account = account;
  }

  /** Events that wait. */
  get events(): number {
    return this.#lots.length;
  }

  /** Characters of these. */
  get chars(): number {
    return this.#chars;
  }

  /** How often one of these is to be offered to a subscription. */
  get offers(): number {
    return this.#offers;
  }

  /** The oldest of what waits. */
  get oldest(): Lot | undefined {
    return this.#lots.first;
  }

  /** Adds one to those that an event is for, which must be the newest of all. */
  add(event: WaitingEvent, subscription: Subscription): void {
    if (this.#newest?.event !== event) {
      this.#newest = { event, to: [], offered: 0 };
      this.#lots.push(this.#newest);
      this.#chars += event.accepted.json.length;
      event.lots += 1;
    }
    this.#newest.to.push(subscription);
    this.#offers += 1;
  }

  /** Takes the next of those to whom the oldest is to be offered; with the last of them it waits no longer. */
  take(): Subscription | undefined {
    const lot = this.oldest;
    const subscription = lot?.to[lot.offered];
    if (lot === undefined || subscription === undefined) return undefined;
    lot.offered += 1;
    this.#offers -= 1;
    if (lot.offered === lot.to.length) this.#shift();
    return subscription;
  }

  /** Takes all of them. */
  takeAll(): Subscription[] {
    const lot = this.oldest;
    if (lot === undefined) return [];
    const left = lot.to.slice(lot.offered);
    this.#offers -= left.length;
    this.#shift();
    return left;
  }

  #shift(): void {
    const lot = this.#lots.shift();
    if (lot === undefined) return;
    if (lot === this.#newest) this.#newest = undefined;
    this.#chars -= lot.event.accepted.json.length;
    lot.event.lots -= 1;
  }
}
