import { FairSlots } from '../lib/turns/fair-slots.js';

/** A place for one fetch at the address of its server, or none where that is not known yet. Disposing of it gives it back. */
export type AddressSeat = Disposable & {
  /** The server turned out to be at this address: whether there is a place there, which is taken then. */
  isAt(address: string): boolean;
};

/**
 * Places at the addresses of git servers. Whoever runs one machine can give it any number of names, and announce repositories
 * there under any number of keys: what is fetched from one address has a share of all places, and the rest of it waits for that
 * and for nothing else. Where a name leads shows when a connection is made, and is remembered from then on (`GitHost.address`).
 */
export class GitAddresses {
  readonly #share: () => number;
  /** Those at which something is fetched, or waits for that. */
  readonly #slots = new Map<string, FairSlots>();

  /** `share`: most fetches from one address at once, asked for at each use. */
  constructor(share: () => number) {
    this.#share = share;
  }

  /** Whether somebody who comes now has to wait for others. */
  isFull(address: string | undefined): boolean {
    const slots = address === undefined ? undefined : this.#slots.get(address);
    return slots !== undefined && slots.inUse >= slots.capacity;
  }

  /**
   * Takes a place at the address at which a server was found the last time, one party after the other. Rejects with the signal's
   * reason when that aborts before.
   */
  async seat(known: string | undefined, party: string, signal: AbortSignal): Promise<AddressSeat> {
    let address = known;
    let leave = known === undefined ? () => {} : await this.#enter(known, party, signal);
    return {
      isAt: (found) => {
        if (found === address) return true;
        leave();
        const moved = this.#tryEnter(found);
        address = moved && found;
        leave = moved ?? (() => {});
        return moved !== undefined;
      },
      [Symbol.dispose]: () => leave(),
    };
  }

  async #enter(address: string, party: string, signal: AbortSignal): Promise<() => void> {
    const slots = this.#slotsAt(address);
    try {
      return this.#wayOut(address, slots, await slots.enter(party, signal));
    } finally {
      this.#forget(address, slots);
    }
  }

  #tryEnter(address: string): (() => void) | undefined {
    const slots = this.#slotsAt(address);
    const leave = slots.tryEnter();
    return leave && this.#wayOut(address, slots, leave);
  }

  #wayOut(address: string, slots: FairSlots, leave: () => void): () => void {
    return () => {
      leave();
      this.#forget(address, slots);
    };
  }

  #slotsAt(address: string): FairSlots {
    const slots = this.#slots.get(address) ?? new FairSlots(this.#share);
    this.#slots.set(address, slots);
    return slots;
  }

  #forget(address: string, { inUse, waiting }: FairSlots): void {
    if (inUse === 0 && waiting === 0) this.#slots.delete(address);
  }
}
