import type { NostrEvent } from '../../../src/nostr/event.js';
import { addressKey } from '../relay/event-set.js';
import type { RemoteRelay } from '../relay/remote-relay.js';
import { type Announced, KeptEvents } from './kept-events.js';
import { isAcceptable, isEarly, isStorable, type Names } from './policy-model.js';

/** What we hold and held, and whom we can ask. */
export type Holdings = {
  readonly stored: readonly NostrEvent[];
  /** All that was ever stored, what was replaced or deleted since too. */
  readonly everStored: readonly NostrEvent[];
  readonly relays: readonly RemoteRelay[];
  readonly bootstrap: ReadonlySet<string>;
  /** The latest time, and the earliest, that our clock showed. */
  readonly nowSeconds: number;
  readonly earliestSeconds: number;
  /** Whether an event makes us throw, so that we cannot have it. */
  readonly trips: (event: NostrEvent) => boolean;
};

/** An event that should be stored and is not, and a relay that would have given it to us. */
export type Missing = { readonly event: NostrEvent; readonly relay: string };

const rootKinds = new Set([1617, 1618, 1619, 1621, 1622, 1630]);
const maintainerExceptionKinds = new Set([30_617, 30_618]);
/** Kinds that hang on nothing, so that only their authors lead to them. */
const unanchoredKinds = new Set([5, 10_317]);

/**
 * What is missing for what is stored to be a fixed point: no relay that we track delivers, under the filters that
 * follow from what is stored, anything more that the policy would accept.
 */
export function findMissing(holdings: Holdings, names: Names): Missing[] {
  const kept = new KeptEvents(names.isOurs, names.relayOf);
  for (const event of holdings.stored) kept.add(event);
  const departed = new Departures(holdings.everStored);
  const announced = [...kept.announcements.values()].flat();
  const tracked = new Set([...holdings.bootstrap, ...announced.flatMap(({ relays }) => relays)]);
  const rootsByAddress = groupRoots(holdings.stored);
  const missing: Missing[] = [];
  for (const relay of holdings.relays) {
    if (!tracked.has(relay.url)) continue;
    const asked = announced.filter(
      ({ listsUs, relays }) => listsUs && (holdings.bootstrap.has(relay.url) || relays.includes(relay.url)),
    );
    const addresses = new Set(asked.map(({ pubkey, identifier }) => `30617:${pubkey}:${identifier}`));
    const roots = new Set([...addresses].flatMap((address) => rootsByAddress.get(address) ?? []));
    const authors = authorsOf(holdings.stored, asked, addresses, roots);
    for (const event of relay.events.all()) {
      if (kept.byId.has(event.id)) continue;
      if (
        !isAsked(event, addresses, roots) &&
        !(unanchoredKinds.has(event.kind) && authors.has(event.pubkey))
      )
        continue;
      // It is remembered as refused for a week where our clock was set forward over its time.
      if (isEarly(event, holdings.earliestSeconds) || holdings.trips(event)) continue;
      if (!isStorable(event) || !relay.delivers(event) || departed.explain(event, holdings.nowSeconds))
        continue;
      if (isAcceptable(event, kept, names)) missing.push({ event, relay: relay.url });
    }
  }
  return missing;
}

/** Who wrote what is stored about the repositories that a relay is asked about, at any depth of a thread. */
function authorsOf(
  stored: readonly NostrEvent[],
  asked: readonly Announced[],
  addresses: ReadonlySet<string>,
  roots: ReadonlySet<string>,
): Set<string> {
  const isMaintained = (event: NostrEvent) =>
    asked.some(
      ({ pubkey, identifier, maintainers }) =>
        event.tags.some(([name, value]) => name === 'd' && value === identifier) &&
        (event.pubkey === pubkey || maintainers.includes(event.pubkey)),
    );
  const isAbout = (event: NostrEvent) =>
    maintainerExceptionKinds.has(event.kind)
      ? isMaintained(event)
      : roots.has(event.id) || refersTo(event, addresses, roots);
  const authors = stored.filter((event) => !unanchoredKinds.has(event.kind) && isAbout(event));
  return new Set(authors.map(({ pubkey }) => pubkey));
}

/** Whether one of the first three layers of filters asks for the event. */
function isAsked(event: NostrEvent, addresses: ReadonlySet<string>, roots: ReadonlySet<string>): boolean {
  return maintainerExceptionKinds.has(event.kind) || refersTo(event, addresses, roots);
}

function refersTo(event: NostrEvent, addresses: ReadonlySet<string>, roots: ReadonlySet<string>): boolean {
  return event.tags.some(([name, value]) => {
    if (name === undefined || value === undefined) return false;
    if ('aAq'.includes(name) && addresses.has(value)) return true;
    return 'eEq'.includes(name) && roots.has(value);
  });
}

function groupRoots(stored: readonly NostrEvent[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const event of stored) {
    if (!rootKinds.has(event.kind)) continue;
    for (const [name, value] of event.tags) {
      if (name !== 'a' || value === undefined) continue;
      const group = groups.get(value);
      if (group === undefined) groups.set(value, [event.id]);
      else group.push(event.id);
    }
  }
  return groups;
}

/** Why events are rightly absent: replaced (NIP-01), deleted by their author (NIP-09) or expired (NIP-40). */
export class Departures {
  readonly #newest = new Map<string, NostrEvent>();
  readonly #deleted = new Map<string, number>();

  constructor(everStored: readonly NostrEvent[]) {
    for (const event of everStored) if (event.kind === 5) this.#request(event);
    for (const event of everStored) {
      const address = addressKey(event);
      // What was deleted itself is no reason any more for the absence of an older version.
      if (address === undefined || this.isDeleted(event)) continue;
      const newest = this.#newest.get(address);
      if (newest === undefined || replaces(event, newest)) this.#newest.set(address, event);
    }
  }

  explain(event: NostrEvent, nowSeconds: number): boolean {
    return this.isReplaced(event) || this.isDeleted(event) || isExpiredAt(event, nowSeconds);
  }

  isReplaced(event: NostrEvent): boolean {
    const newest = this.#newest.get(addressKey(event) ?? '');
    return newest !== undefined && replaces(newest, event);
  }

  isDeleted(event: NostrEvent): boolean {
    if (event.kind === 5) return false;
    const address = addressKey(event)?.slice(1);
    const until = address === undefined ? undefined : this.#deleted.get(`${event.pubkey} ${address}`);
    return (
      this.#deleted.has(`${event.pubkey} ${event.id}`) || (until !== undefined && event.created_at <= until)
    );
  }

  #request({ pubkey, created_at, tags }: NostrEvent): void {
    for (const [name, value] of tags) {
      if ((name !== 'e' && name !== 'a') || value === undefined) continue;
      const key = `${pubkey} ${value}`;
      this.#deleted.set(key, Math.max(created_at, this.#deleted.get(key) ?? 0));
    }
  }
}

function replaces(a: NostrEvent, b: NostrEvent): boolean {
  return a.created_at !== b.created_at ? a.created_at > b.created_at : a.id < b.id;
}

function isExpiredAt(event: NostrEvent, nowSeconds: number): boolean {
  const value = event.tags.find(([name]) => name === 'expiration')?.[1];
  return value !== undefined && Number(value) <= nowSeconds;
}
