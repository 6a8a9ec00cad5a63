/** The most bytes that all holders, the holders of one group, and one holder may hold. */
export type MemoryShares = {
  readonly totalBytes: number;
  readonly groupBytes: number;
  readonly holderBytes: number;
};

/** A piece of a holder's memory. */
export type Reservation = Disposable & {
  readonly bytes: number;
  /** Makes it larger or smaller. `false` when it may not become so large; then it is as it was. */
  resize(bytes: number): boolean;
};

/** The holders of one group, or a holder that belongs to none. */
type Group = { readonly key: string | undefined; readonly holders: Set<MemoryHolder>; bytes: number };

/**
 * Memory that many holders share, counted in bytes. What is reserved is a figure: whoever reserves knows what things
 * take. Where there is no room for more, the largest of those who fill it gives way, unless that is who asks: so nobody
 * can fill the memory against those who hold little, from however many connections of one group.
 */
export class MemoryBudget {
  readonly #shares: MemoryShares;
  readonly #groups = new Set<Group>();
  readonly #byKey = new Map<string, Group>();
  #bytes = 0;

  constructor(shares: MemoryShares) {
    this.#shares = shares;
  }

  /** Bytes that are reserved. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * A new holder, with nothing. Those of one `group` have its share together; without a group a holder has only its
   * own. `giveWay` is called, in the middle of a reservation of another, when everything that the holder has was taken
   * from it: it lets go of what it had reserved, and reserves nothing more. Without it nothing is taken from the holder,
   * and others are refused instead.
   */
  holder(group: string | undefined, giveWay?: () => void): MemoryHolder {
    const joined = this.#join(group);
    const holder = new MemoryHolder(
      this.#shares.holderBytes,
      (grower, bytes) => this.#grow(joined, grower, bytes),
      () => {
        joined.holders.delete(holder);
        if (joined.holders.size > 0) return;
        this.#groups.delete(joined);
        if (group !== undefined) this.#byKey.delete(group);
      },
      giveWay,
    );
    joined.holders.add(holder);
    return holder;
  }

  #join(key: string | undefined): Group {
    let group = key === undefined ? undefined : this.#byKey.get(key);
    if (group === undefined) {
      group = { key, holders: new Set(), bytes: 0 };
      this.#groups.add(group);
      if (key !== undefined) this.#byKey.set(key, group);
    }
    return group;
  }

  /** Counts more bytes of a holder, or fewer; `false` when there is no room for more. */
  #grow(group: Group, holder: MemoryHolder, bytes: number): boolean {
    if (bytes > 0 && !this.#makeRoom(group, holder, bytes)) return false;
    group.bytes += bytes;
    this.#bytes += bytes;
    return true;
  }

  #makeRoom(group: Group, holder: MemoryHolder, bytes: number): boolean {
    const { totalBytes, groupBytes, holderBytes } = this.#shares;
    const wanted = holder.bytes + bytes;
    if (wanted > holderBytes) return false;
    const groupMax = group.key === undefined ? holderBytes : groupBytes;
    while (group.bytes + bytes > groupMax) if (!dropLargest(group, wanted)) return false;
    while (this.#bytes + bytes > totalBytes) {
      const largest = largestOf(this.#groups);
      const isOther = largest !== undefined && largest !== group && largest.bytes > group.bytes + bytes;
      if (!(isOther ? dropLargest(largest, 0) : dropLargest(group, wanted))) return false;
    }
    return true;
  }
}

/** Whose memory it is: a client, a remote. Disposing of it gives back all that it reserved. */
export class MemoryHolder implements Disposable {
  readonly #grow: (holder: MemoryHolder, bytes: number) => boolean;
  readonly #leave: () => void;
  readonly #giveWay: (() => void) | undefined;
  readonly #bytesMax: number;
  #bytes = 0;
  #isGone = false;

  /** Made by `MemoryBudget.holder`. */
  constructor(
    bytesMax: number,
    grow: (holder: MemoryHolder, bytes: number) => boolean,
    leave: () => void,
    giveWay: (() => void) | undefined,
  ) {
    this.#bytesMax = bytesMax;
    this.#grow = grow;
    this.#leave = leave;
    this.#giveWay = giveWay;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get canGiveWay(): boolean {
    return this.#giveWay !== undefined;
  }

  /** Bytes that its own share leaves. */
  get room(): number {
    return this.#bytesMax - this.#bytes;
  }

  /** Takes bytes; `undefined` when there is no room for them. */
  reserve(bytes: number): Reservation | undefined {
    const reservation = this.open();
    return !this.#isGone && reservation.resize(bytes) ? reservation : undefined;
  }

  /** A reservation of nothing yet. */
  open(): Reservation {
    let held = 0;
    const resize = (to: number): boolean => {
      if (this.#isGone) return to === 0;
      if (!this.#add(to - held)) return false;
      held = to;
      return true;
    };
    return {
      get bytes() {
        return held;
      },
      resize,
      [Symbol.dispose]: () => {
        resize(0);
      },
    };
  }

  /** Gives everything back, and tells the owner to let go of it. */
  drop(): void {
    if (this.#isGone) return;
    this[Symbol.dispose]();
    this.#giveWay?.();
  }

  [Symbol.dispose](): void {
    if (this.#isGone) return;
    this.#add(-this.#bytes);
    this.#isGone = true;
    this.#leave();
  }

  #add(bytes: number): boolean {
    if (bytes === 0) return true;
    if (!this.#grow(this, bytes)) return false;
    this.#bytes += bytes;
    return true;
  }
}

/** Makes the largest holder of a group give way where it holds more than `bytes`; `false` when none does. */
function dropLargest(group: Group, bytes: number): boolean {
  const largest = largestOf(group.holders);
  if (!largest?.canGiveWay || largest.bytes <= bytes) return false;
  largest.drop();
  return true;
}

function largestOf<T extends { readonly bytes: number }>(items: Iterable<T>): T | undefined {
  let largest: T | undefined;
  for (const item of items) if (largest === undefined || item.bytes > largest.bytes) largest = item;
  return largest;
}
