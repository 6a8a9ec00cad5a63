import { noteUse } from '../../config/limit-use.js';
import type { CancelTimer, Clock } from '../../lib/clock.js';

export type SlotLimits = {
  /** Sessions of all clients, of the clients of one address, and of one client. */
  readonly sessionsMax: number;
  readonly addressSessionsMax: number;
  readonly clientSessionsMax: number;
  /** Sessions of one client that wait. */
  readonly clientWaitingMax: number;
  /** Time without a useful message after which a session gives way to those that wait. */
  readonly yieldMs: number;
};

/** Whose sessions they are; `address` is its address group, where that says with whom it shares. */
export type SlotClient = { readonly address: string | undefined };

/** What is told to a session. Neither may throw. */
export type SlotListener = {
  /** It had to wait, and has its place now. */
  start(): void;
  /** Its place went to another. */
  giveWay(): void;
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

type Seat = {
  readonly client: SlotClient;
  readonly listener: SlotListener;
  usedAtMs: number;
};

/** Times in the time after which sessions give way that it is looked whether some do. */
const looksPerYield = 3;

/**
 * The places of the negentropy sessions of all clients. A session for which there is none waits, first come, first
 * served. One without a useful message for a while gives way to it, the least recently useful first; one in use gives way
 * only to a client, or an address, that has fewer. So nobody can sit on the places, however warm they are kept.
 */
export class NegentropySlots {
  readonly #clock: Pick<Clock, 'monotonic' | 'after'>;
  readonly #limits: SlotLimits;
  /** The least recently useful first. */
  readonly #open = new Set<Seat>();
  readonly #waiting = new Set<Seat>();
  /** How many are open, by client and by address. */
  readonly #counts = new Map<SlotClient | string, number>();
  #cancelLook: CancelTimer | undefined;

  constructor(clock: Pick<Clock, 'monotonic' | 'after'>, limits: SlotLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  get open(): number {
    return this.#open.size;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Takes a place, at once or as soon as there is one; `undefined` when too many of the client wait already. */
  enter(client: SlotClient, listener: SlotListener): Slot | undefined {
    const seat: Seat = { client, listener, usedAtMs: 0 };
    if (this.#makePlace(client)) {
      this.#take(seat);
    } else {
      let waiting = 0;
      for (const other of this.#waiting) if (other.client === client) waiting += 1;
      noteUse('clientNegentropyWaitingMax', waiting);
      if (waiting >= this.#limits.clientWaitingMax) return undefined;
      this.#waiting.add(seat);
      this.#lookLater();
    }
    const open = this.#open;
    return {
      get isOpen() {
        return open.has(seat);
      },
      use: () => this.#use(seat),
      leave: () => {
        this.#waiting.delete(seat);
        if (this.#remove(seat)) this.#fill();
      },
    };
  }

  #use(seat: Seat): void {
    if (!this.#open.delete(seat)) return;
    this.#open.add(seat);
    seat.usedAtMs = this.#clock.monotonic();
  }

  #take(seat: Seat): void {
    this.#open.add(seat);
    this.#use(seat);
    const { client } = seat;
    this.#count(client, 1);
    noteUse('negentropySessionsMax', this.#open.size);
    noteUse('addressNegentropySessionsMax', client.address === undefined ? 0 : this.#openOf(client.address));
    noteUse('clientNegentropySessionsMax', this.#openOf(client));
  }

  #remove(seat: Seat): boolean {
    if (!this.#open.delete(seat)) return false;
    this.#count(seat.client, -1);
    return true;
  }

  #count(client: SlotClient, more: number): void {
    for (const party of [client, client.address]) {
      if (party === undefined) continue;
      const count = this.#openOf(party) + more;
      if (count === 0) this.#counts.delete(party);
      else this.#counts.set(party, count);
    }
  }

  #openOf(party: SlotClient | string): number {
    return this.#counts.get(party) ?? 0;
  }

  /** Gives places to those that wait, as far as there are any. */
  #fill(): void {
    for (const seat of this.#waiting) {
      if (!this.#makePlace(seat.client)) continue;
      this.#waiting.delete(seat);
      this.#take(seat);
      seat.listener.start();
    }
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

  /** Whether there is a place for the client, or one that another gives up. */
  #makePlace(client: SlotClient): boolean {
    const victim = this.#victimFor(client);
    if (victim === 'nobody') return true;
    if (victim === undefined) return false;
    this.#remove(victim);
    victim.listener.giveWay();
    return true;
  }

  /** Who has to give way for the client; `undefined` when it has to wait. */
  #victimFor(client: SlotClient): Seat | 'nobody' | undefined {
    const { sessionsMax, addressSessionsMax, clientSessionsMax } = this.#limits;
    const { address } = client;
    if (this.#openOf(client) >= clientSessionsMax) {
      return this.#idle([...this.#open].filter((seat) => seat.client === client));
    }
    if (address !== undefined && this.#openOf(address) >= addressSessionsMax) {
      const neighbours = [...this.#open].filter((seat) => seat.client.address === address);
      return this.#idle(neighbours) ?? this.#ofLargest(neighbours, client, (party) => party);
    }
    if (this.#open.size < sessionsMax) return 'nobody';
    const all = [...this.#open];
    return this.#idle(all) ?? this.#ofLargest(all, client, (party) => party.address ?? party);
  }

  /** The least recently useful of them, if it has been idle for long. */
  #idle([least]: readonly Seat[]): Seat | undefined {
    const idleSinceMs = this.#clock.monotonic() - this.#limits.yieldMs;
    return least !== undefined && least.usedAtMs <= idleSinceMs ? least : undefined;
  }

  /** The least recently useful of the party that has the most, if that is more than the client's will have. */
  #ofLargest(
    seats: readonly Seat[],
    client: SlotClient,
    partyOf: (client: SlotClient) => SlotClient | string,
  ): Seat | undefined {
    let most = this.#openOf(partyOf(client)) + 1;
    let victim: Seat | undefined;
    for (const seat of seats) {
      const open = this.#openOf(partyOf(seat.client));
      if (open <= most) continue;
      most = open;
      victim = seat;
    }
    return victim;
  }
}
