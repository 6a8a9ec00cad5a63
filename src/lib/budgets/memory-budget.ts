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
type Group = {
  readonly key: string | undefined;
  readonly holders: Set<MemoryHolder>;
  bytes: number;
  lastingBytes: number;
};

/**
 * Memory that many holders share, counted in bytes. What is reserved is a figure: whoever reserves knows what things
 * take. Where there is no room for more, the largest of those who fill it gives way, unless that is who asks: so nobody
 * can fill the memory against those who hold little, from however many connections of one group. Who is the largest is
 * told by what lasts; what passes by itself is counted, but makes nobody give way.
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
      (grower, bytes, lastingBytes) => this.#grow(joined, grower, bytes, lastingBytes),
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
      group = { key, holders: new Set(), bytes: 0, lastingBytes: 0 };
      this.#groups.add(group);
      if (key !== undefined) this.#byKey.set(key, group);
    }
    return group;
  }

  /** Counts more bytes of a holder, or fewer; `false` when there is no room for more. */
  #grow(group: Group, holder: MemoryHolder, bytes: number, lastingBytes: number): boolean {
    if (bytes > 0 && !this.#makeRoom(group, holder, bytes, lastingBytes)) return false;
    group.bytes += bytes;
    group.lastingBytes += lastingBytes;
    this.#bytes += bytes;
    return true;
  }

  #makeRoom(group: Group, holder: MemoryHolder, bytes: number, lastingBytes: number): boolean {
    const { totalBytes, groupBytes, holderBytes } = this.#shares;
    if (holder.bytes + bytes > holderBytes) return false;
    const wanted = holder.lastingBytes + lastingBytes;
    const groupMax = group.key === undefined ? holderBytes : groupBytes;
    while (group.bytes + bytes > groupMax) if (!dropLargest(group, wanted)) return false;
    while (this.#bytes + bytes > totalBytes) {
      const largest = largestOf(this.#groups);
      const isOther = largest !== group && (largest?.lastingBytes ?? 0) > group.lastingBytes + lastingBytes;
      if (!(isOther && largest ? dropLargest(largest, 0) : dropLargest(group, wanted))) return false;
    }
    return true;
  }
}

/** Changes what a holder has; of the bytes, those of `lastingBytes` are not only passing. `false`: there is no room. */
type Grow = (holder: MemoryHolder, bytes: number, lastingBytes: number) => boolean;

/** Whose memory it is: a client, a remote. Disposing of it gives back all that it reserved. */
export class MemoryHolder implements Disposable {
  readonly #grow: Grow;
  readonly #leave: () => void;
  readonly #giveWay: (() => void) | undefined;
  readonly #bytesMax: number;
  #bytes = 0;
  #lastingBytes = 0;
  #isGone = false;

  /** Made by `MemoryBudget.holder`. */
  constructor(bytesMax: number, grow: Grow, leave: () => void, giveWay: (() => void) | undefined) {
    this.#bytesMax = bytesMax;
    this.#grow = grow;
    this.#leave = leave;
    this.#giveWay = giveWay;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes that are held until whoever holds them lets go of them. */
  get lastingBytes(): number {
    return this.#lastingBytes;
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
    return this.#withBytes(this.open(), bytes);
  }

  /** The same for what is given back by our own work, however slow the holder is. */
  pass(bytes: number): Reservation | undefined {
    return this.#withBytes(new HeldBytes(this, false), bytes);
  }

  /** A reservation of nothing yet. */
  open(): Reservation {
    return new HeldBytes(this, true);
  }

  #withBytes(reservation: Reservation, bytes: number): Reservation | undefined {
    return !this.#isGone && reservation.resize(bytes) ? reservation : undefined;
  }

  /** For its reservations: takes more bytes, or gives some back. `false` when there is no room for them. */
  grow(bytes: number, isLasting: boolean): boolean {
    return !this.#isGone && this.#add(bytes, isLasting ? bytes : 0);
  }

  /** Gives everything back, and tells the owner to let go of it. */
  drop(): void {
    if (this.#isGone) return;
    this[Symbol.dispose]();
    this.#giveWay?.();
  }

  [Symbol.dispose](): void {
    if (this.#isGone) return;
    this.#add(-this.#bytes, -this.#lastingBytes);
    this.#isGone = true;
    this.#leave();
  }

  #add(bytes: number, lastingBytes: number): boolean {
    if (bytes === 0) return true;
    if (!this.#grow(this, bytes, lastingBytes)) return false;
    this.#bytes += bytes;
    this.#lastingBytes += lastingBytes;
    return true;
  }
}

/** A class, for there is one for each request: accessors that are made anew with every object cost a map each. */
class HeldBytes implements Reservation {
  readonly #holder: MemoryHolder;
  readonly #isLasting: boolean;
  #bytes = 0;

  constructor(holder: MemoryHolder, isLasting: boolean) {
    this.#holder = holder;
    this.#isLasting = isLasting;
  }

  get bytes(): number {
    return this.#bytes;
  }

  resize(bytes: number): boolean {
    if (bytes !== this.#bytes && !this.#holder.grow(bytes - this.#bytes, this.#isLasting)) return false;
    this.#bytes = bytes;
    return true;
  }

  [Symbol.dispose](): void {
    this.resize(0);
  }
}

/** Makes the largest holder of a group give way where it holds more than that; `false` when none does. */
function dropLargest(group: Group, lastingBytes: number): boolean {
  const largest = largestOf(group.holders);
  if (!largest?.canGiveWay || largest.lastingBytes <= lastingBytes) return false;
  largest.drop();
  return true;
}

function largestOf<T extends { readonly lastingBytes: number }>(items: Iterable<T>): T | undefined {
  let largest: T | undefined;
  for (const item of items) {
    if (largest === undefined || item.lastingBytes > largest.lastingBytes) largest = item;
  }
  return largest;
}
