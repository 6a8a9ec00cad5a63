import type { NostrEvent } from '../../../src/nostr/event.js';
import { addressKey } from '../relay/event-set.js';

/** What the model reads of an announcement. */
export type Announced = {
  readonly id: string;
  readonly pubkey: string;
  readonly identifier: string;
  readonly listsUs: boolean;
  readonly relays: readonly string[];
  readonly maintainers: readonly string[];
};

/** Kinds that anybody may store, so that nothing becomes acceptable by them. */
const noAnchors = new Set([5, 10_317]);

/**
 * A set of events with the questions that the rules ask of it. It keeps whatever it is given, several versions at
 * one address too, so that it can stand for what is stored as well as for all that could ever have been.
 */
export class KeptEvents {
  readonly #listsUs: (url: string) => boolean;
  readonly #relayOf: (spelling: string) => string | undefined;
  readonly byId = new Map<string, NostrEvent>();
  readonly announcements = new Map<string, Announced[]>();
  readonly #anchorIds = new Set<string>();
  readonly #anchorAddresses = new Set<string>();
  readonly #referredTo = new Set<string>();

  /** `listsUs`: whether a URL is ours; `relayOf`: the one URL of the relay that a text names. */
  constructor(listsUs: (url: string) => boolean, relayOf: (spelling: string) => string | undefined) {
    this.#listsUs = listsUs;
    this.#relayOf = relayOf;
  }

  add(event: NostrEvent): void {
    this.byId.set(event.id, event);
    if (!noAnchors.has(event.kind)) {
      this.#anchorIds.add(event.id);
      const address = addressKey(event);
      if (address !== undefined) this.#anchorAddresses.add(address);
      for (const reference of referencesIn(event)) this.#referredTo.add(reference);
    }
    if (event.kind === 30_617) this.#announce(event);
  }

  /** Whether the event refers to one of these, or one of these to it. */
  isRelated(event: NostrEvent): boolean {
    for (const reference of referencesIn(event)) {
      if (this.#anchorIds.has(reference) || this.#anchorAddresses.has(`@${reference}`)) return true;
    }
    const address = addressKey(event)?.slice(1);
    return this.#referredTo.has(event.id) || (address !== undefined && this.#referredTo.has(address));
  }

  hasAnnouncementOf(identifier: string): boolean {
    return this.announcements.has(identifier);
  }

  /** Whether the key wrote, or is named in, an announcement of that identifier. */
  isNamed(key: string, identifier: string): boolean {
    const announced = this.announcements.get(identifier) ?? [];
    return announced.some(({ pubkey, maintainers }) => pubkey === key || maintainers.includes(key));
  }

  #announce(event: NostrEvent): void {
    const read = readAnnouncement(event, this.#listsUs, this.#relayOf);
    if (read === undefined) return;
    const others = this.announcements.get(read.identifier);
    if (others === undefined) this.announcements.set(read.identifier, [read]);
    else others.push(read);
  }
}

/** The values of `a`, `A`, `e`, `E` and `q` tags. */
function* referencesIn(event: NostrEvent): Generator<string> {
  for (const [name, value] of event.tags) {
    if (value !== undefined && name?.length === 1 && 'aAeEq'.includes(name)) yield value;
  }
}

/** Reads an announcement; undefined when it breaks the rules for one. */
export function readAnnouncement(
  event: NostrEvent,
  isOurs: (url: string) => boolean,
  relayOf: (spelling: string) => string | undefined,
): Announced | undefined {
  const identifier = event.tags.find(([name]) => name === 'd')?.[1];
  if (identifier === undefined || identifier === '' || /^\.\.?$|[/\\\0]/.test(identifier)) return undefined;
  const relays = valuesOf(event, 'relays');
  return {
    id: event.id,
    pubkey: event.pubkey,
    identifier,
    listsUs: valuesOf(event, 'clone').some(isOurs) && relays.some(isOurs),
    relays: relays.flatMap((spelling) => relayOf(spelling) ?? []),
    maintainers: valuesOf(event, 'maintainers'),
  };
}

function valuesOf(event: NostrEvent, name: string): string[] {
  return event.tags.flatMap((tag) => (tag[0] === name ? tag.slice(1) : []));
}
