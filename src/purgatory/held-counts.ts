import { noteUse } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import { localAddressGroup } from '../lib/budgets/address-group.js';
import { eventBytes } from '../nostr/event.js';
import { kinds } from '../nostr/kinds.js';
import type { HeldEvent } from './held-event.js';

/** What the operator decided about repositories that nobody has pushed to yet. */
export type HeldSettings = {
  /** Of one key. */
  readonly keyHeldRepositoriesMax: number;
  /** Of all keys. */
  readonly heldRepositoriesMax: number;
};

/** Whose limit was met. */
export type HeldScope = 'key' | 'address' | 'all';

/** Too much is held to hold one more; the reason says what to do. */
export type HeldRefusal = { readonly scope: HeldScope; readonly reason: string };

type Amount = { readonly events: number; readonly bytes: number; readonly repositories: number };

/** What an address has to give up of what is held, so that there is room for what comes from another that has less. */
export type Giving = { readonly addressGroup: string; readonly of: keyof Amount; readonly amount: number };
type HeldOf = Pick<HeldEvent, 'event' | 'addressGroup'>;

const nothing: Amount = { events: 0, bytes: 0, repositories: 0 };

/** How much is held of each key, from each address and in all, and what is too much: keys cost a stranger nothing. */
export class HeldCounts {
  readonly #settings: HeldSettings;
  readonly #keys = new Map<string, Amount>();
  readonly #addresses = new Map<string, Amount>();
  #all = nothing;

  constructor(settings: HeldSettings) {
    this.#settings = settings;
  }

  /** Bytes of all that is held. */
  get bytes(): number {
    return this.#all.bytes;
  }

  /** The share of what may be held in all that is: of events, bytes or repositories, whichever is the most; 0 to 1. */
  get fullness(): number {
    const { events, bytes, repositories } = maximaOf(this.#settings).all;
    return Math.max(
      this.#all.events / events,
      this.#all.bytes / bytes,
      this.#all.repositories / repositories,
    );
  }

  add(held: HeldOf): void {
    this.#count(held, 1);
  }

  remove(held: HeldOf): void {
    this.#count(held, -1);
  }

  /** Why one more is too many, if it is; `replaced` goes for it. */
  refusal(held: HeldOf, replaced: HeldOf | undefined): HeldRefusal | undefined {
    const excess = this.#excess(held, replaced);
    return excess && refusalOf(excess.scope, excess.of, maximaOf(this.#settings)[excess.scope]);
  }

  /**
   * What has to be given up so that there is room in all for one more, where that is what lacks: by the address that has the
   * most, which keeps as much as the other then has, or more.
   */
  giving(held: HeldOf, replaced: HeldOf | undefined): Giving | undefined {
    const excess = this.#excess(held, replaced);
    if (excess?.scope !== 'all') return undefined;
    const { of } = excess;
    const replacedAmount = replaced === undefined ? 0 : amountOf(replaced.event)[of];
    const more = amountOf(held.event)[of];
    const amount = this.#all[of] - replacedAmount + more - maximaOf(this.#settings).all[of];
    const largest = this.#largest(of);
    const wanted = more + (isCounted(held) ? (this.#addresses.get(held.addressGroup)?.[of] ?? 0) : 0);
    if (largest === undefined || largest.amount - amount < wanted) return undefined;
    return { addressGroup: largest.addressGroup, of, amount };
  }

  /** The address that has the most of it; this machine is none. */
  #largest(of: keyof Amount): { readonly addressGroup: string; readonly amount: number } | undefined {
    let largest: { readonly addressGroup: string; readonly amount: number } | undefined;
    for (const [addressGroup, { [of]: amount }] of this.#addresses)
      if (isCounted({ addressGroup }) && amount > (largest?.amount ?? 0)) largest = { addressGroup, amount };
    return largest;
  }

  /** What of whom would be too much with one more, without what that replaces. */
  #excess(
    held: HeldOf,
    replaced: HeldOf | undefined,
  ): { readonly scope: HeldScope; readonly of: keyof Amount } | undefined {
    if (replaced !== undefined) this.remove(replaced);
    const excess = this.#excessOf(held);
    if (replaced !== undefined) this.add(replaced);
    return excess;
  }

  #excessOf(held: HeldOf): { readonly scope: HeldScope; readonly of: keyof Amount } | undefined {
    const more = amountOf(held.event);
    const maxOf = maximaOf(this.#settings);
    const isOver = (amount: Amount, scope: HeldScope): keyof Amount | undefined => {
      const max = maxOf[scope];
      const { events, bytes } = usedLimits[scope];
      noteUse(events, amount.events);
      noteUse(bytes, amount.bytes);
      const names: (keyof Amount)[] = ['events', 'bytes', 'repositories'];
      return names.find((name) => more[name] > 0 && amount[name] + more[name] > max[name]);
    };
    const ofKey = isOver(this.#keys.get(held.event.pubkey) ?? nothing, 'key');
    if (ofKey !== undefined) return { scope: 'key', of: ofKey };
    const ofAddress = isCounted(held)
      ? isOver(this.#addresses.get(held.addressGroup) ?? nothing, 'address')
      : undefined;
    if (ofAddress !== undefined) return { scope: 'address', of: ofAddress };
    const ofAll = isOver(this.#all, 'all');
    return ofAll && { scope: 'all', of: ofAll };
  }

  #count({ event, addressGroup }: HeldOf, sign: 1 | -1): void {
    const amount = amountOf(event);
    this.#all = sum(this.#all, amount, sign);
    count(this.#keys, event.pubkey, amount, sign);
    if (addressGroup !== undefined) count(this.#addresses, addressGroup, amount, sign);
  }
}

/** Whether it came from an address; this machine is none. */
function isCounted<T extends Pick<HeldOf, 'addressGroup'>>(held: T): held is T & { addressGroup: string } {
  return held.addressGroup !== undefined && held.addressGroup !== localAddressGroup;
}

const usedLimits = {
  key: { events: 'heldKeyEventsMax', bytes: 'heldKeyBytesMax' },
  address: { events: 'heldAddressEventsMax', bytes: 'heldAddressBytesMax' },
  all: { events: 'heldEventsMax', bytes: 'heldBytesMax' },
} as const satisfies Record<HeldScope, unknown>;

function maximaOf(settings: HeldSettings): Readonly<Record<HeldScope, Amount>> {
  return {
    key: {
      events: limits.heldKeyEventsMax,
      bytes: limits.heldKeyBytesMax,
      repositories: settings.keyHeldRepositoriesMax,
    },
    address: {
      events: limits.heldAddressEventsMax,
      bytes: limits.heldAddressBytesMax,
      repositories: limits.heldAddressRepositoriesMax,
    },
    all: {
      events: limits.heldEventsMax,
      bytes: limits.heldBytesMax,
      repositories: settings.heldRepositoriesMax,
    },
  };
}

const things: Readonly<Record<keyof Amount, string>> = {
  events: 'events that wait for git data',
  bytes: 'bytes of events that wait for git data',
  repositories: 'repositories to which nothing was pushed',
};

function refusalOf(scope: HeldScope, name: keyof Amount, max: Amount): HeldRefusal {
  const much = `${max[name]} ${things[name]}`;
  const reasons: Readonly<Record<HeldScope, string>> = {
    key: `restricted: this key may have ${much}; push first, or wait half an hour`,
    address: `rate-limited: one address may have ${much}; push first, or wait half an hour`,
    all: `rate-limited: this relay takes ${much}, and has as many; try again later`,
  };
  return { scope, reason: reasons[scope] };
}

/** What an event counts for. */
export function amountOf(event: HeldEvent['event']): Amount {
  return {
    events: 1,
    bytes: partOfAmount(event, 'bytes'),
    repositories: partOfAmount(event, 'repositories'),
  };
}

/** The same of one of these alone. */
export function partOfAmount(event: HeldEvent['event'], of: keyof Amount): number {
  if (of === 'bytes') return eventBytes(event);
  return of === 'events' || event.kind === kinds.repositoryAnnouncement ? 1 : 0;
}

function sum(a: Amount, b: Amount, sign: 1 | -1): Amount {
  return {
    events: a.events + sign * b.events,
    bytes: a.bytes + sign * b.bytes,
    repositories: a.repositories + sign * b.repositories,
  };
}

function count(amounts: Map<string, Amount>, key: string, amount: Amount, sign: 1 | -1): void {
  const counted = sum(amounts.get(key) ?? nothing, amount, sign);
  if (counted.events === 0) amounts.delete(key);
  else amounts.set(key, counted);
}
