import { reaches } from '../config/limit-use.js';
import { addressTextOf } from '../nostr/address.js';
import type { NostrEvent } from '../nostr/event.js';
import { kinds } from '../nostr/kinds.js';
import { referencesOf } from '../nostr/repository.js';
import type { AskedKeys } from '../repositories/maintainers/maintainer-group.js';
import type { HeldEvent } from './held-event.js';
import type { HeldSet } from './held-sets.js';
import { type HeldState, HeldStates } from './held-states.js';

/** The held events by id, and by all else that they are looked for by. */
export class HeldIndex {
  readonly #events = new Map<string, HeldEvent>();
  /** By address: one each, as the newest replaces the others. */
  readonly #byAddress = new Map<string, string>();
  readonly #states = new HeldStates();
  /** By what they refer to, an id or an address, the ids of events. */
  readonly #referring = new Map<string, Set<string>>();
  /** By parent, the ids of events that hang on it. */
  readonly #children = new Map<string, Set<string>>();
  /** By the address that they came from, the ids of events: what is held until later comes later. */
  readonly #ofAddresses = new Map<string, Set<string>>();

  get size(): number {
    return this.#events.size;
  }

  get(id: string): HeldEvent | undefined {
    return this.#events.get(id);
  }

  all(): IterableIterator<HeldEvent> {
    return this.#events.values();
  }

  /** Adds an event, or takes it in anew. */
  set(held: HeldEvent): void {
    const { event, addressGroup, parents } = held;
    this.delete(event.id);
    this.#events.set(event.id, held);
    const address = addressTextOf(event);
    if (address !== undefined) this.#byAddress.set(address, event.id);
    if (event.kind === kinds.repositoryState) this.#states.add(event);
    for (const reference of namesIn(event)) add(this.#referring, reference, event.id);
    for (const parent of parents) add(this.#children, parent, event.id);
    if (addressGroup !== undefined) add(this.#ofAddresses, addressGroup, event.id);
  }

  delete(id: string): void {
    const held = this.#events.get(id);
    if (held === undefined) return;
    const { event, addressGroup, parents } = held;
    this.#events.delete(id);
    const address = addressTextOf(event);
    if (address !== undefined && this.#byAddress.get(address) === id) this.#byAddress.delete(address);
    if (event.kind === kinds.repositoryState) this.#states.delete(event);
    for (const reference of namesIn(event)) remove(this.#referring, reference, id);
    for (const parent of parents) remove(this.#children, parent, id);
    if (addressGroup !== undefined) remove(this.#ofAddresses, addressGroup, id);
  }

  /** Has an event hang on others than before; whether those are others. */
  hangOn(id: string, parents: readonly string[]): boolean {
    const held = this.#events.get(id);
    if (held === undefined) return false;
    const [before, now] = [new Set(held.parents), new Set(parents)];
    const gone = held.parents.filter((parent) => !now.has(parent));
    const come = parents.filter((parent) => !before.has(parent));
    if (gone.length === 0 && come.length === 0) return false;
    this.#events.set(id, { ...held, parents });
    for (const parent of gone) remove(this.#children, parent, id);
    for (const parent of come) add(this.#children, parent, id);
    return true;
  }

  /** Has an event that hangs on a version, and names its address, hang on the one that stands there now; whether it does. */
  passOn(id: string, version: string, address: string): boolean {
    const held = this.#events.get(id);
    const standing = this.at(address);
    if (held === undefined || standing === undefined || !this.#referring.get(address)?.has(id)) return false;
    const parents = held.parents.map((parent) => (parent === version ? standing.event.id : parent));
    return this.hangOn(id, [...new Set(parents)]);
  }

  /** Takes in new times of an event, which is held until later than all others. */
  renew(held: HeldEvent): void {
    const { event, addressGroup } = held;
    this.#events.set(event.id, held);
    if (addressGroup === undefined) return;
    remove(this.#ofAddresses, addressGroup, event.id);
    add(this.#ofAddresses, addressGroup, event.id);
  }

  /** The events that came from an address, those first whose time is over first. */
  *ofAddress(addressGroup: string): IterableIterator<HeldEvent> {
    for (const id of this.#ofAddresses.get(addressGroup) ?? []) {
      const held = this.#events.get(id);
      if (held !== undefined) yield held;
    }
  }

  /** The event at an address, `<kind>:<pubkey>:<identifier>`. */
  at(address: string): HeldEvent | undefined {
    return this.#events.get(this.#byAddress.get(address) ?? '');
  }

  /** The event that stands where this one belongs (NIP-01). */
  atAddressOf(event: NostrEvent): HeldEvent | undefined {
    return this.at(addressTextOf(event) ?? '');
  }

  /** The states of an identifier by authors that are picked of all who have one, newest first. */
  statesBy(identifier: string, pick: (authors: AskedKeys) => Iterable<string>): readonly HeldState[] {
    return this.#states.by(identifier, pick);
  }

  /** The events that refer to an id or an address. */
  referringTo(name: string): HeldEvent[] {
    return [...(this.#referring.get(name) ?? [])].flatMap((id) => this.#events.get(id) ?? []);
  }

  /** The ids of some events; these may come and go while they are gone through. */
  idsIn({ type, name }: HeldSet): Iterable<string> {
    switch (type) {
      case 'event':
        return [name];
      case 'hanging-on':
        return this.#children.get(name) ?? [];
      case 'naming':
        return this.#referring.get(name) ?? [];
      case 'states-of':
        return this.#states.idsOf(name);
    }
  }

  /** What held events another one may concern: those that hang on it or name it, and those that it names and that hang on some. */
  concernedBy(event: NostrEvent): HeldSet[] {
    const named = this.#namedBy(event).filter(
      (id) => id !== event.id && this.#events.get(id)!.parents.length > 0,
    );
    const sets: HeldSet[] = named.map((name) => ({ type: 'event', name }));
    if (this.#children.has(event.id)) sets.push({ type: 'hanging-on', name: event.id });
    for (const name of ownNames(event)) if (this.#referring.has(name)) sets.push({ type: 'naming', name });
    return sets;
  }

  /**
   * The ids of the events that this one refers to, or that refer to it: by id, or by address. Without those that are held
   * for its sake alone, and of very many a number, those that it refers to first.
   */
  relativesOf(event: NostrEvent): string[] {
    const relatives = new Set(this.#namedBy(event));
    for (const name of ownNames(event)) {
      for (const id of this.#referring.get(name) ?? []) {
        if (reaches('heldRelativesMax', relatives.size)) break;
        relatives.add(id);
      }
    }
    relatives.delete(event.id);
    if (!this.#events.has(event.id)) return [...relatives];
    const isRooted = new Map([[event.id, false]]);
    return [...relatives].filter((id) => this.#isRooted(id, isRooted));
  }

  /** The ids of the events that one names. */
  #namedBy(event: NostrEvent): string[] {
    if (this.#events.size === 0) return [];
    const { ids, addresses } = referencesOf(event);
    const atAddresses = addresses.flatMap((address) => this.#byAddress.get(address) ?? []);
    return [...ids.filter((id) => this.#events.has(id)), ...atAddresses];
  }

  /** Whether an event waits for git data, or hangs on one that does; `known`: what is known of others, and by then of this. */
  #isRooted(id: string, known: Map<string, boolean>): boolean {
    const cameFrom = new Map<string, string | undefined>([[id, undefined]]);
    const open = [id];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const isKnown = known.get(next);
      if (isKnown === false) continue;
      const parents = this.#events.get(next)?.parents;
      if (isKnown === true || parents?.length === 0) {
        // All on the way, so that no other has to go it again.
        for (let at: string | undefined = next; at !== undefined; at = cameFrom.get(at)) known.set(at, true);
        return true;
      }
      for (const parent of parents ?? []) {
        if (cameFrom.has(parent)) continue;
        cameFrom.set(parent, next);
        open.push(parent);
      }
    }
    for (const each of cameFrom.keys()) known.set(each, false);
    return false;
  }
}

/** What others may call an event: its id, and its address if it has one. */
function ownNames(event: NostrEvent): string[] {
  const address = addressTextOf(event);
  return address === undefined ? [event.id] : [event.id, address];
}

function namesIn(event: NostrEvent): string[] {
  const { ids, addresses } = referencesOf(event);
  return [...ids, ...addresses];
}

function add(sets: Map<string, Set<string>>, key: string, id: string): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([id]));
  else set.add(id);
}

function remove(sets: Map<string, Set<string>>, key: string, id: string): void {
  const set = sets.get(key);
  set?.delete(id);
  if (set?.size === 0) sets.delete(key);
}
