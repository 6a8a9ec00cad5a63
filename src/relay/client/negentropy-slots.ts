import { noteUse } from '../../config/limit-use.js';
import type { CancelTimer, Clock } from '../../lib/clock.js';
import { SlotLines, type Try } from './slot-lines.js';
import {
  DividedSeats,
  type Party,
  partyOf,
  type Seat,
  type SlotClient,
  type SlotListener,
} from './slot-seats.js';

export type SlotLimits = {
  /** Sessions of all clients, of the clients of one address, and of one client. */
  readonly sessionsMax: number;
  readonly addressSessionsMax: number;
  readonly clientSessionsMax: number;
  /** Sessions of the clients of one address, and of one client, that wait. */
  readonly addressWaitingMax: number;
  readonly clientWaitingMax: number;
  /** Time without a useful message after which a session gives way to those that wait. */
  readonly yieldMs: number;
};

/** The place of one session. */
export type Slot = {
  /** Whether it has its place; else it waits, or has left. */
  readonly isOpen: boolean;
  /** A message was useful: what is used gives way last. */
  use(): void;
  /** Gives the place back, or waits no longer. */
  leave(): void;
};

/** Times in the time after which sessions give way that it is looked whether some do. */
const looksPerYield = 3;

/**
 * The places of the negentropy sessions of all clients. A session for which there is none waits: those of a client are served
 * in the order in which they came, and clients and addresses in turn. One without a useful message for a while gives way to
 * it, the least recently useful first; one in use gives way only to a client, or an address, that has fewer. So nobody can
 * sit on the places, however warm they are kept.
 */
export class NegentropySlots {
  readonly #clock: Pick<Clock, 'monotonic' | 'after'>;
  readonly #limits: SlotLimits;
  /** As addresses divide the places of all, and clients those of their address. */
  readonly #open = new DividedSeats<Party>(partyOf);
  readonly #byAddress = new Map<string, DividedSeats<SlotClient>>();
  readonly #waiting = new SlotLines();
  #cancelLook: CancelTimer | undefined;

  constructor(clock: Pick<Clock, 'monotonic' | 'after'>, limits: SlotLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  get open(): number {
    return this.#open.all.size;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Takes a place, at once or as soon as there is one; `undefined` when too many of the client, or its address, wait. */
  enter(client: SlotClient, listener: SlotListener): Slot | undefined {
    const seat: Seat = { client, listener, usedAtMs: 0 };
    if (this.#place(seat) !== 'placed') {
      if (!this.#mayWait(client)) return undefined;
      this.#waiting.add(seat);
      this.#lookLater();
    }
    const open = this.#open.all;
    return {
      get isOpen() {
        return open.has(seat);
      },
      use: () => this.#use(seat),
      leave: () => {
        this.#waiting.delete(seat);
        if (!open.has(seat)) return;
        this.#remove(seat);
        this.#fill();
      },
    };
  }

  #mayWait(client: SlotClient): boolean {
    const { clientWaitingMax, addressWaitingMax } = this.#limits;
    const ofClient = this.#waiting.ofClient(client);
    const ofAddress = client.address === undefined ? 0 : this.#waiting.ofParty(client.address);
    noteUse('clientNegentropyWaitingMax', ofClient);
    noteUse('addressNegentropyWaitingMax', ofAddress);
    return ofClient < clientWaitingMax && ofAddress < addressWaitingMax;
  }

  #use(seat: Seat): void {
    if (!this.#open.all.has(seat)) return;
    this.#open.use(seat);
    this.#neighboursOf(seat.client)?.use(seat);
    seat.usedAtMs = this.#clock.monotonic();
  }

  #take(seat: Seat): void {
    const { client } = seat;
    const { address } = client;
    this.#open.add(seat);
    if (address !== undefined) {
      const neighbours =
        this.#byAddress.get(address) ?? new DividedSeats<SlotClient>((neighbour) => neighbour);
      this.#byAddress.set(address, neighbours);
      neighbours.add(seat);
      noteUse('addressNegentropySessionsMax', neighbours.all.size);
    }
    seat.usedAtMs = this.#clock.monotonic();
    noteUse('negentropySessionsMax', this.open);
    noteUse('clientNegentropySessionsMax', this.#seatsOf(client).size);
  }

  #remove(seat: Seat): void {
    const { address } = seat.client;
    this.#open.delete(seat);
    const neighbours = this.#neighboursOf(seat.client);
    neighbours?.delete(seat);
    if (address !== undefined && neighbours?.all.size === 0) this.#byAddress.delete(address);
  }

  #neighboursOf({ address }: SlotClient): DividedSeats<SlotClient> | undefined {
    return address === undefined ? undefined : this.#byAddress.get(address);
  }

  /** The open ones of a client, or of all clients of an address. */
  #seatsOf(party: Party): ReadonlySet<Seat> {
    if (typeof party === 'string' || party.address === undefined) return this.#open.of(party);
    return this.#byAddress.get(party.address)?.of(party) ?? this.#open.of(party);
  }

  /** Gives places to those that wait, as far as there are any. */
  #fill(): void {
    this.#waiting.serve(
      (seat) => {
        const result = this.#place(seat, () => this.#waiting.delete(seat));
        if (result === 'placed') seat.listener.start();
        return result;
      },
      (party) => this.#seatsOf(party).size,
    );
  }

  /** While some wait: others come to give way by the mere passing of time. */
  #lookLater(): void {
    if (this.#waiting.size === 0) return;
    this.#cancelLook ??= this.#clock.after(this.#limits.yieldMs / looksPerYield, () => {
      this.#cancelLook = undefined;
      this.#fill();
      this.#lookLater();
    });
  }

  /** Takes a place for the seat if there is one, or one that another gives up. */
  #place(seat: Seat, onPlace: () => void = () => {}): Try {
    const place = this.#placeFor(seat.client);
    if (typeof place === 'string' && place !== 'free') return place;
    const victim = place === 'free' ? undefined : place;
    if (victim !== undefined) this.#remove(victim);
    onPlace();
    this.#take(seat);
    // Told last: its client may ask for a place at once.
    victim?.listener.giveWay();
    return 'placed';
  }

  /** Who has to give way for the client; or else what there is no room in. */
  #placeFor(client: SlotClient): Seat | 'free' | Exclude<Try, 'placed'> {
    const { sessionsMax, addressSessionsMax, clientSessionsMax } = this.#limits;
    const own = this.#seatsOf(client);
    if (own.size >= clientSessionsMax) return this.#idle(own) ?? 'client';
    const neighbours = this.#neighboursOf(client);
    if (neighbours !== undefined && neighbours.all.size >= addressSessionsMax)
      return this.#idle(neighbours.all) ?? neighbours.largestBeside(client) ?? 'address';
    if (this.open < sessionsMax) return 'free';
    return this.#idle(this.#open.all) ?? this.#open.largestBeside(partyOf(client)) ?? 'all';
  }

  /** The least recently useful of them, if it has been idle for long. */
  #idle([least]: ReadonlySet<Seat>): Seat | undefined {
    const idleSinceMs = this.#clock.monotonic() - this.#limits.yieldMs;
    return least !== undefined && least.usedAtMs <= idleSinceMs ? least : undefined;
  }
}
