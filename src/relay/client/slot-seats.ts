/** Whose sessions they are; `address` is its address group, where that says with whom it shares. */
export type SlotClient = { readonly address: string | undefined };

/** What is told to a session. Neither may throw. */
export type SlotListener = {
  /** It had to wait, and has its place now. */
  start(): void;
  /** Its place went to another. */
  giveWay(): void;
};

/** One session, with a place or without. */
export type Seat = {
  readonly client: SlotClient;
  readonly listener: SlotListener;
  usedAtMs: number;
};

/** A client, or the address that stands for all of its clients. */
export type Party = SlotClient | string;

/** Who has a share of the places of all: an address, or a client that belongs to none. */
export function partyOf(client: SlotClient): Party {
  return client.address ?? client;
}

const noSeats: ReadonlySet<Seat> = new Set();

/** Seats that are taken, as parties divide them; of all and of each party, the least recently useful first. */
export class DividedSeats<P extends Party> {
  readonly #partyOf: (client: SlotClient) => P;
  readonly #seats = new Set<Seat>();
  readonly #byParty = new Map<P, Set<Seat>>();
  /** How many parties have so many seats. */
  readonly #parties: number[] = [];
  #most = 0;

  constructor(partyOfClient: (client: SlotClient) => P) {
    this.#partyOf = partyOfClient;
  }

  get all(): ReadonlySet<Seat> {
    return this.#seats;
  }

  of(party: P): ReadonlySet<Seat> {
    return this.#byParty.get(party) ?? noSeats;
  }

  add(seat: Seat): void {
    this.#seats.add(seat);
    const party = this.#partyOf(seat.client);
    const seats = this.#byParty.get(party) ?? new Set<Seat>();
    this.#byParty.set(party, seats);
    seats.add(seat);
    this.#count(seats.size, 1);
    this.#count(seats.size - 1, -1);
    this.#most = Math.max(this.#most, seats.size);
  }

  delete(seat: Seat): void {
    if (!this.#seats.delete(seat)) return;
    const party = this.#partyOf(seat.client);
    const seats = this.#byParty.get(party);
    if (seats === undefined) return;
    seats.delete(seat);
    if (seats.size === 0) this.#byParty.delete(party);
    this.#count(seats.size, 1);
    this.#count(seats.size + 1, -1);
    // If that was the only one with the most, it has the most still, less one.
    if (this.#parties[this.#most] === 0) this.#most -= 1;
  }

  /** The seat was useful: it comes last now. */
  use(seat: Seat): void {
    for (const seats of [this.#seats, this.#byParty.get(this.#partyOf(seat.client))]) {
      if (seats?.delete(seat)) seats.add(seat);
    }
  }

  /** The least recently useful of the party that has the most, if that is more than `party` has with one more. */
  largestBeside(party: P): Seat | undefined {
    if (this.#most <= this.of(party).size + 1) return undefined;
    for (const seat of this.#seats) {
      if (this.of(this.#partyOf(seat.client)).size === this.#most) return seat;
    }
    return undefined;
  }

  #count(seats: number, more: number): void {
    if (seats > 0) this.#parties[seats] = (this.#parties[seats] ?? 0) + more;
  }
}
