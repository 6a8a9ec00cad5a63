import { limits } from '../../config/limits.js';
import { Links } from '../../lib/collections/links.js';
import { append } from '../../lib/collections/lists.js';
import { NumberColumn } from '../../lib/collections/number-column.js';
import type { NostrEvent } from '../../nostr/event.js';
import { type Announcement, referencesOf } from '../../nostr/repository.js';
import { AddressNumbers, IdNumbers, type Numbers } from '../../store/name-numbers.js';
import type { Discovery, Naming } from './discovery.js';
import { announcementsTopic, parseTopic, type Topic } from './layers.js';
import { People, repositorySubject, rootSubject } from './people.js';
import { ChangesByPlace, everywhere, type Place, type TopicChanges } from './topic-changes.js';

type Repository = {
  readonly eventId: string;
  /** The relays that the announcement names. */
  readonly named: readonly string[];
  readonly naming: Naming;
  /** The relays that are asked about it: the named ones and the operator's if we serve it, else none. */
  readonly asked: ReadonlySet<string>;
};

/** What one relay is asked about. */
type Asked = {
  /** Repositories by the numbers of their addresses. */
  readonly repositories: Set<number>;
  /** How many different roots these have. */
  roots: number;
};

/**
 * The layers (docs/sync.md §3), kept as topics by relay and changed only by what comes and goes: nothing is
 * rescanned, and the 10,000th repository costs what the 10th did.
 *
 * A root belongs to the repositories that its tags name and to those of the roots that it refers to. A stored root
 * that belongs to none (something stored refers to it) is asked for everywhere.
 *
 * There may be hundreds of thousands of roots, so ids and addresses are numbers, and what is known of a root is how
 * its number is linked: about 130 bytes each, whichever relays are asked about it.
 */
export class FilterService {
  readonly #discovery: Discovery;
  readonly #serves: (announcement: Announcement) => boolean;
  /** Ids of roots, and of what roots refer to. */
  readonly #ids = new IdNumbers();
  /** Addresses of repositories, and those that roots refer to. */
  readonly #addresses = new AddressNumbers();
  readonly #repositories = new Map<number, Repository>();
  readonly #addressOfEvent = new Map<string, number>();
  /** 1 for the ids of roots that were taken in. */
  readonly #isRoot = new NumberColumn();
  /** Roots, taken in or not, and the addresses that they refer to, stored or not. */
  readonly #references = new Links();
  /** Roots, taken in or not, and the ids that they refer to, stored or not. */
  readonly #parents = new Links();
  /** Roots and the stored repositories that they belong to, by reference or by way of another root. */
  readonly #homes = new Links();
  /** Roots that have no home. */
  readonly #orphans = new Set<number>();
  readonly #asked = new Map<string, Asked>();
  readonly #changes = new ChangesByPlace();
  readonly #people = new People(this.#changes);
  #roots = 0;

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
    return this.#roots;
  }

  /** How many topics `topicsOf` has. */
  topicCount(relay: string): number {
    const asked = this.#asked.get(relay);
    const topics = asked === undefined ? 0 : asked.repositories.size + asked.roots;
    return 1 + topics + this.#orphans.size + this.#people.count(relay);
  }

  /**
   * Everything that a relay is to be asked about, a repository with its roots at a time; of each the oldest first. Then
   * the authors.
   */
  *topicsOf(relay: string): Iterable<Topic> {
    yield announcementsTopic;
    for (const address of this.#asked.get(relay)?.repositories ?? []) {
      yield this.#addresses.nameOf(address);
      for (const root of this.#homes.ofRight(address)) {
        if (this.#homeAskedOf(relay, root) === address) yield this.#ids.nameOf(root);
      }
    }
    for (const root of this.#orphans) yield this.#ids.nameOf(root);
    yield* this.#people.topicsOf(relay);
  }

  /** Whether the relay is to be asked about the topic. */
  wants(relay: string, topic: Topic): boolean {
    const parsed = parseTopic(topic);
    switch (parsed.type) {
      case 'everything':
        return false;
      case 'announcements':
        return true;
      case 'author':
        return this.#people.wants(relay, parsed.pubkey);
      case 'repository':
        return this.#isAsked(relay, this.#addresses.find(parsed.address));
      case 'root': {
        const root = this.#ids.find(parsed.id);
        return root >= 0 && (this.#orphans.has(root) || this.#homeAskedOf(relay, root) !== undefined);
      }
    }
  }

  /** The relays that the stored announcement of a repository names; none when it is not stored. */
  relaysNamedBy(address: string): readonly string[] {
    return this.#repositories.get(this.#addresses.find(address))?.named ?? [];
  }

  /** Whether the stored announcement of a repository names the relay. */
  isNamedBy(address: string, relay: string): boolean {
    return this.#repositories.get(this.#addresses.find(address))?.named.includes(relay) === true;
  }

  /** The changes by relay since the last call. An orphan root is a change `everywhere`. */
  takeChanges(): ReadonlyMap<Place, TopicChanges> {
    return this.#changes.take();
  }

  /** Takes a stored announcement in, in the place of the one that had its address. */
  addAnnouncement(event: NostrEvent, announcement: Announcement): void {
    const known = this.#repositories.get(this.#addresses.find(announcement.address));
    if (known?.eventId === event.id) return;
    const named = this.#discovery.relaysOf(announcement);
    const isServed = this.#serves(announcement);
    const asked = new Set(isServed ? [...this.#discovery.bootstrap, ...named] : []);
    const naming = this.#discovery.namingOf(announcement, isServed);
    this.#discovery.add(named, naming);
    const address = this.#addresses.hold(announcement.address);
    if (known !== undefined) {
      this.#discovery.remove(known.named, known.naming);
      this.#addressOfEvent.delete(known.eventId);
      this.#addresses.release(address);
    }
    this.#repositories.set(address, { eventId: event.id, named, naming, asked });
    this.#addressOfEvent.set(event.id, address);
    for (const relay of known?.asked ?? []) if (!asked.has(relay)) this.#forgetRepository(relay, address);
    for (const relay of asked) if (known?.asked.has(relay) !== true) this.#askRepository(relay, address);
    if (known === undefined)
      for (const root of this.#references.ofRight(address)) this.#giveHome(root, address);
  }

  /** Whether the repository is stored. */
  isAnnounced(address: string): boolean {
    return this.#repositories.has(this.#addresses.find(address));
  }

  /** Takes a stored root in with what it refers to. */
  addRoot(event: NostrEvent): void {
    const { addresses, ids } = referencesOf(event);
    for (const address of addresses) this.addReference(event.id, address);
    for (const id of ids) this.addParent(event.id, id);
    this.enterRoot(event.id);
  }

  /** Notes that a root refers to an address, before the root is entered or before what has that address is added. */
  addReference(rootId: string, address: string): void {
    link(this.#references, [this.#ids, rootId], [this.#addresses, address]);
  }

  /** Notes that a root refers to an id, before either of the two is entered. */
  addParent(rootId: string, parentId: string): void {
    link(this.#parents, [this.#ids, rootId], [this.#ids, parentId]);
  }

  /** Takes a stored root in, of whose references those are noted that name something stored. */
  enterRoot(rootId: string): void {
    const root = this.#ids.hold(rootId);
    if (this.#isRoot.at(root) === 1) {
      this.#ids.release(root);
      return;
    }
    this.#isRoot.set(root, 1);
    this.#roots += 1;
    for (const address of this.#references.ofLeft(root))
      if (this.#repositories.has(address)) this.#giveHome(root, address);
    for (const parent of this.#parents.ofLeft(root))
      for (const address of this.#homes.ofLeft(parent)) this.#giveHome(root, address);
    if (this.#homes.countOfLeft(root) === 0) this.#makeOrphan(root);
    for (const child of this.#parents.ofRight(root))
      for (const address of this.#homes.ofLeft(root)) this.#giveHome(child, address);
  }

  /** Takes the author of something stored in that is about this repository or root, if we follow that. */
  addAuthor(pubkey: string, subject: Topic): void {
    const root = this.#ids.find(subject);
    if (root >= 0) {
      if (this.#isRoot.at(root) === 1) this.#people.add(pubkey, rootSubject(root), this.#placesOfRoot(root));
      return;
    }
    const address = this.#addresses.find(subject);
    const asked = this.#repositories.get(address)?.asked;
    if (asked !== undefined) this.#people.add(pubkey, repositorySubject(address), asked);
  }

  /** Forgets an announcement or a root that left the store. Ids that were never taken in are ignored. */
  remove(eventId: string): void {
    const address = this.#addressOfEvent.get(eventId);
    if (address !== undefined) this.#removeRepository(eventId, address);
    const root = this.#ids.find(eventId);
    if (root >= 0) this.#removeRoot(root);
  }

  #removeRepository(eventId: string, address: number): void {
    const repository = this.#repositories.get(address) as Repository;
    for (const relay of repository.asked) this.#forgetRepository(relay, address);
    this.#people.drop(repositorySubject(address));
    this.#repositories.delete(address);
    this.#addressOfEvent.delete(eventId);
    this.#discovery.remove(repository.named, repository.naming);
    for (const root of this.#homes.ofRight(address)) {
      this.#homes.delete(root, address);
      if (this.#homes.countOfLeft(root) === 0) this.#makeOrphan(root);
    }
    this.#addresses.release(address);
  }

  #removeRoot(root: number): void {
    for (const address of this.#homes.ofLeft(root)) {
      this.#homes.delete(root, address);
      for (const relay of this.#repositories.get(address)?.asked ?? []) this.#forgetRoot(relay, root);
    }
    this.#leaveOrphans(root);
    this.#people.drop(rootSubject(root));
    const isRoot = this.#isRoot.at(root) === 1;
    this.#isRoot.set(root, 0);
    unlinkAll(this.#references, [this.#ids, root], this.#addresses);
    unlinkAll(this.#parents, [this.#ids, root], this.#ids);
    if (!isRoot) return;
    this.#roots -= 1;
    this.#ids.release(root);
  }

  /** Gives a root, and all roots that hang on it, a repository to belong to. */
  #giveHome(first: number, address: number): void {
    const asked = this.#repositories.get(address)?.asked ?? [];
    const open = [first];
    for (let root = open.pop(); root !== undefined; root = open.pop()) {
      if (this.#isRoot.at(root) === 0 || this.#homes.has(root, address)) continue;
      if (this.#homes.countOfLeft(root) >= limits.syncRepositoriesPerRootMax) continue;
      this.#leaveOrphans(root);
      for (const relay of asked) this.#askRoot(relay, root);
      this.#homes.add(root, address);
      append(open, this.#parents.ofRight(root));
    }
  }

  #makeOrphan(root: number): void {
    this.#orphans.add(root);
    this.#changes.note(everywhere, this.#ids.nameOf(root), 'added');
    this.#people.ask(everywhere, rootSubject(root));
  }

  #leaveOrphans(root: number): void {
    if (!this.#orphans.delete(root)) return;
    this.#changes.note(everywhere, this.#ids.nameOf(root), 'removed');
    this.#people.forget(everywhere, rootSubject(root));
  }

  /** Where a root is asked about. */
  #placesOfRoot(root: number): Set<Place> {
    const places = new Set<Place>(this.#orphans.has(root) ? [everywhere] : []);
    for (const address of this.#homes.ofLeft(root))
      for (const relay of this.#repositories.get(address)?.asked ?? []) places.add(relay);
    return places;
  }

  #askRepository(relay: string, address: number): void {
    for (const root of this.#homes.ofRight(address)) this.#askRoot(relay, root, address);
    this.#askedOf(relay).repositories.add(address);
    this.#changes.note(relay, this.#addresses.nameOf(address), 'added');
    this.#people.ask(relay, repositorySubject(address));
  }

  /** Stops asking about a repository, and about those of its roots that no other repository of the relay has. */
  #forgetRepository(relay: string, address: number): void {
    for (const root of this.#homes.ofRight(address)) this.#forgetRoot(relay, root, address);
    const { repositories } = this.#askedOf(relay);
    repositories.delete(address);
    this.#changes.note(relay, this.#addresses.nameOf(address), 'removed');
    this.#people.forget(relay, repositorySubject(address));
    if (repositories.size === 0) this.#asked.delete(relay);
  }

  /** Asks about a root, unless a home of it other than `address` makes us ask already. */
  #askRoot(relay: string, root: number, address = -1): void {
    if (this.#homeAskedOf(relay, root, address) !== undefined) return;
    this.#askedOf(relay).roots += 1;
    this.#changes.note(relay, this.#ids.nameOf(root), 'added');
    this.#people.ask(relay, rootSubject(root));
  }

  /** Stops asking about a root, unless a home of it other than `address` makes us ask. */
  #forgetRoot(relay: string, root: number, address = -1): void {
    if (this.#homeAskedOf(relay, root, address) !== undefined) return;
    this.#askedOf(relay).roots -= 1;
    this.#changes.note(relay, this.#ids.nameOf(root), 'removed');
    this.#people.forget(relay, rootSubject(root));
  }

  #isAsked(relay: string, address: number): boolean {
    return this.#repositories.get(address)?.asked.has(relay) === true;
  }

  /** The home, other than `except`, for which the relay is asked about a root. */
  #homeAskedOf(relay: string, root: number, except = -1): number | undefined {
    for (const address of this.#homes.ofLeft(root)) {
      if (address !== except && this.#isAsked(relay, address)) return address;
    }
    return undefined;
  }

  #askedOf(relay: string): Asked {
    let asked = this.#asked.get(relay);
    if (asked === undefined) {
      asked = { repositories: new Set(), roots: 0 };
      this.#asked.set(relay, asked);
    }
    return asked;
  }
}

/** Links two names, unless they are or the left one has its share of links; a link holds the numbers of its ends. */
function link(
  links: Links,
  [leftNumbers, leftName]: readonly [Numbers, string],
  [rightNumbers, rightName]: readonly [Numbers, string],
): void {
  const left = leftNumbers.hold(leftName);
  const right = rightNumbers.hold(rightName);
  if (!links.has(left, right) && links.countOfLeft(left) < limits.syncReferencesPerRootMax) {
    links.add(left, right);
    return;
  }
  leftNumbers.release(left);
  rightNumbers.release(right);
}

/** Ends the links of a left number. */
function unlinkAll(
  links: Links,
  [leftNumbers, left]: readonly [Numbers, number],
  rightNumbers: Numbers,
): void {
  for (const right of links.ofLeft(left)) {
    links.delete(left, right);
    leftNumbers.release(left);
    rightNumbers.release(right);
  }
}
