import { limits } from '../config/limits.js';
import type { NostrEvent } from '../nostr/event.js';
import { type Announcement, referencesOf } from '../nostr/repository.js';
import type { Discovery } from './discovery.js';
import { announcementsTopic, type Topic } from './layers.js';
import { SetsByKey } from './sets-by-key.js';
import { ChangesByRelay, everywhere, type TopicChanges } from './topic-changes.js';

type Repository = {
  readonly eventId: string;
  /** The relays that the announcement names. */
  readonly named: readonly string[];
  /** The relays that are asked about it: the named ones and the operator's if we serve it, else none. */
  readonly asked: ReadonlySet<string>;
};

type Root = {
  /** Addresses and ids that it refers to, stored or not. */
  readonly addresses: readonly string[];
  readonly parents: readonly string[];
  /** The stored repositories that it belongs to, by reference or by way of another root. */
  readonly homes: Set<string>;
};

/**
 * The three layers (docs/sync.md §3), kept as topics by relay and changed only by what comes and goes: nothing is
 * rescanned, and the 10,000th repository costs what the 10th did.
 *
 * A root belongs to the repositories that its tags name and to those of the roots that it refers to. A stored root
 * that belongs to none (something stored refers to it) is asked for everywhere.
 */
export class FilterService {
  readonly #discovery: Discovery;
  readonly #serves: (announcement: Announcement) => boolean;
  readonly #repositories = new Map<string, Repository>();
  readonly #addressOfEvent = new Map<string, string>();
  readonly #roots = new Map<string, Root>();
  readonly #rootsByAddress = new SetsByKey();
  readonly #rootsByParent = new SetsByKey();
  readonly #rootsByHome = new SetsByKey();
  readonly #homeless = new Set<string>();
  readonly #topics = new Map<string, Set<Topic>>();
  readonly #changes = new ChangesByRelay();

  constructor(options: {
    readonly discovery: Discovery;
    readonly serves: (announcement: Announcement) => boolean;
  }) {
    this.#discovery = options.discovery;
    this.#serves = options.serves;
  }

  get repositories(): number {
    return this.#repositories.size;
  }

  get roots(): number {
    return this.#roots.size;
  }

  /** Everything that a relay is to be asked about, oldest first. */
  /** How many topics `topicsOf` has. */
  topicCount(relay: string): number {
    return 1 + (this.#topics.get(relay)?.size ?? 0) + this.#homeless.size;
  }

  *topicsOf(relay: string): Iterable<Topic> {
    yield announcementsTopic;
    yield* this.#topics.get(relay) ?? [];
    yield* this.#homeless;
  }

  /** Whether the relay is to be asked about the topic. */
  wants(relay: string, topic: Topic): boolean {
    return (
      topic === announcementsTopic ||
      this.#homeless.has(topic) ||
      this.#topics.get(relay)?.has(topic) === true
    );
  }

  /** Whether the stored announcement of a repository names the relay. */
  isNamedBy(address: string, relay: string): boolean {
    return this.#repositories.get(address)?.named.includes(relay) === true;
  }

  /** The changes by relay since the last call. A homeless root is a change for the relay `everywhere`. */
  takeChanges(): ReadonlyMap<string, TopicChanges> {
    return this.#changes.take();
  }

  /** Takes a stored announcement in, in the place of the one that had its address. */
  addAnnouncement(event: NostrEvent, announcement: Announcement): void {
    const { address } = announcement;
    const before = this.#repositories.get(address);
    if (before?.eventId === event.id) return;
    const named = this.#discovery.relaysOf(announcement);
    const asked = new Set(this.#serves(announcement) ? [...this.#discovery.bootstrap, ...named] : []);
    this.#discovery.add(named);
    if (before !== undefined) {
      this.#discovery.remove(before.named);
      this.#addressOfEvent.delete(before.eventId);
    }
    this.#repositories.set(address, { eventId: event.id, named, asked });
    this.#addressOfEvent.set(event.id, address);
    for (const relay of before?.asked ?? []) if (!asked.has(relay)) this.#forgetRepository(relay, address);
    for (const relay of asked) if (before?.asked.has(relay) !== true) this.#askRepository(relay, address);
    if (before === undefined)
      for (const id of this.#rootsByAddress.get(address)) this.#settleRoot(id, address);
  }

  /** Takes a stored root in. */
  addRoot(event: NostrEvent): void {
    if (this.#roots.has(event.id)) return;
    const references = referencesOf(event);
    const root: Root = {
      addresses: references.addresses.slice(0, limits.syncReferencesPerRootMax),
      parents: references.ids.slice(0, limits.syncReferencesPerRootMax),
      homes: new Set(),
    };
    this.#roots.set(event.id, root);
    for (const address of root.addresses) {
      this.#rootsByAddress.add(address, event.id);
      if (this.#repositories.has(address)) this.#settleRoot(event.id, address);
    }
    for (const parent of root.parents) {
      this.#rootsByParent.add(parent, event.id);
      for (const address of this.#roots.get(parent)?.homes ?? []) this.#settleRoot(event.id, address);
    }
    if (root.homes.size === 0) this.#makeHomeless(event.id);
    for (const child of this.#rootsByParent.get(event.id)) {
      for (const address of root.homes) this.#settleRoot(child, address);
    }
  }

  /** Forgets an announcement or a root that left the store. Ids that were never taken in are ignored. */
  remove(eventId: string): void {
    const address = this.#addressOfEvent.get(eventId);
    if (address !== undefined) this.#removeRepository(eventId, address);
    const root = this.#roots.get(eventId);
    if (root !== undefined) this.#removeRoot(eventId, root);
  }

  #removeRepository(eventId: string, address: string): void {
    const repository = this.#repositories.get(address) as Repository;
    for (const relay of repository.asked) this.#forgetRepository(relay, address);
    this.#repositories.delete(address);
    this.#addressOfEvent.delete(eventId);
    this.#discovery.remove(repository.named);
    for (const id of this.#rootsByHome.take(address)) {
      const { homes } = this.#roots.get(id) as Root;
      homes.delete(address);
      if (homes.size === 0) this.#makeHomeless(id);
    }
  }

  #removeRoot(id: string, root: Root): void {
    for (const address of root.homes) {
      this.#rootsByHome.delete(address, id);
      for (const relay of this.#repositories.get(address)?.asked ?? []) this.#forget(relay, id);
    }
    for (const address of root.addresses) this.#rootsByAddress.delete(address, id);
    for (const parent of root.parents) this.#rootsByParent.delete(parent, id);
    this.#roots.delete(id);
    if (this.#homeless.delete(id)) this.#changes.note(everywhere, id, 'removed');
  }

  /** Gives a root, and all roots that hang on it, a repository to belong to. */
  #settleRoot(first: string, address: string): void {
    const asked = this.#repositories.get(address)?.asked ?? [];
    const open = [first];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      const root = this.#roots.get(id);
      if (root === undefined || root.homes.has(address)) continue;
      if (root.homes.size >= limits.syncRepositoriesPerRootMax) continue;
      root.homes.add(address);
      this.#rootsByHome.add(address, id);
      if (this.#homeless.delete(id)) this.#changes.note(everywhere, id, 'removed');
      for (const relay of asked) this.#ask(relay, id);
      open.push(...this.#rootsByParent.get(id));
    }
  }

  #makeHomeless(id: string): void {
    this.#homeless.add(id);
    this.#changes.note(everywhere, id, 'added');
  }

  #askRepository(relay: string, address: string): void {
    this.#ask(relay, address);
    for (const id of this.#rootsByHome.get(address)) this.#ask(relay, id);
  }

  /** Stops asking about a repository, and about those of its roots that no other repository of the relay has. */
  #forgetRepository(relay: string, address: string): void {
    this.#forget(relay, address);
    for (const id of this.#rootsByHome.get(address)) {
      const { homes } = this.#roots.get(id) as Root;
      const isShared = [...homes].some(
        (home) => home !== address && this.#repositories.get(home)?.asked.has(relay) === true,
      );
      if (!isShared) this.#forget(relay, id);
    }
  }

  #ask(relay: string, topic: Topic): void {
    let topics = this.#topics.get(relay);
    if (topics === undefined) {
      topics = new Set();
      this.#topics.set(relay, topics);
    }
    if (topics.has(topic)) return;
    topics.add(topic);
    this.#changes.note(relay, topic, 'added');
  }

  #forget(relay: string, topic: Topic): void {
    const topics = this.#topics.get(relay);
    if (topics?.delete(topic) !== true) return;
    if (topics.size === 0) this.#topics.delete(relay);
    this.#changes.note(relay, topic, 'removed');
  }
}
