import { type Party, partyOf, type Seat, type SlotClient } from './slot-seats.js';

/** Those of one party that wait: the seats of each client, first come, first served. */
type Line = { readonly clients: Map<SlotClient, Set<Seat>>; size: number };

/** What came of a try to give a client a place: it has one, or it, its address, or nobody like it can have one now. */
export type Try = 'placed' | 'client' | 'address' | 'all';

/**
 * Sessions that wait for a place: a line for each address, in which each client has its own. They are served in turn, so
 * that who makes thousands wait keeps nobody waiting who has few; and none is looked at of whom it is known that it has to wait.
 */
export class SlotLines {
  readonly #lines = new Map<Party, Line>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** How many wait of an address, or of a client that belongs to none. */
  ofParty(party: Party): number {
    return this.#lines.get(party)?.size ?? 0;
  }

  ofClient(client: SlotClient): number {
    return this.#lines.get(partyOf(client))?.clients.get(client)?.size ?? 0;
  }

  add(seat: Seat): void {
    const party = partyOf(seat.client);
    const line = this.#lines.get(party) ?? { clients: new Map<SlotClient, Set<Seat>>(), size: 0 };
    this.#lines.set(party, line);
    const seats = line.clients.get(seat.client) ?? new Set<Seat>();
    line.clients.set(seat.client, seats);
    seats.add(seat);
    line.size += 1;
    this.#size += 1;
  }

  delete(seat: Seat): void {
    const party = partyOf(seat.client);
    const line = this.#lines.get(party);
    const seats = line?.clients.get(seat.client);
    if (line === undefined || !seats?.delete(seat)) return;
    if (seats.size === 0) line.clients.delete(seat.client);
    line.size -= 1;
    if (line.size === 0) this.#lines.delete(party);
    this.#size -= 1;
  }

  /**
   * Gives places to those that wait, as far as there are any: `place` tries it for a seat, and `openOf` says how many a
   * client or an address has. Nobody has a better claim than who has nothing: where that one has to wait, so do all with
   * whom it shares what there is too little of.
   */
  serve(place: (seat: Seat) => Try, openOf: (party: Party) => number): void {
    // Who was served comes last, and so again.
    for (const [party, line] of this.#lines) {
      const result = this.#serveOne(line, place, openOf);
      if (result === 'all' && openOf(party) === 0) return;
      if (result !== 'placed' || this.#lines.get(party) !== line) continue;
      this.#lines.delete(party);
      this.#lines.set(party, line);
    }
  }

  #serveOne(line: Line, place: (seat: Seat) => Try, openOf: (party: Party) => number): Try {
    let result: Try = 'client';
    for (const [client, seats] of line.clients) {
      const [seat] = seats;
      if (seat === undefined) continue;
      const hadNone = openOf(client) === 0;
      result = place(seat);
      if (result === 'placed') {
        if (line.clients.get(client) !== seats) return result;
        line.clients.delete(client);
        line.clients.set(client, seats);
        return result;
      }
      if (result === 'all' || (result === 'address' && hadNone)) return result;
    }
    return result;
  }
}
