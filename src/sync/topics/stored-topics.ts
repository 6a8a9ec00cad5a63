import type { AcceptedEvent, Admission } from '../../admission/admission.js';
import { limits } from '../../config/limits.js';
import { onAbort } from '../../lib/abort.js';
import type { Clock } from '../../lib/clock.js';
import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';
import { Wakeup } from '../../lib/wakeup.js';
import { firstTagValue, type NostrEvent } from '../../nostr/event.js';
import type { Filter, TagKey } from '../../nostr/filter.js';
import { isRootKind, kinds, rootKinds } from '../../nostr/kinds.js';
import { referencesOf, repositoryAddress } from '../../nostr/repository.js';
import { isServed } from '../../repositories/announced-repositories.js';
import type { AnnouncedRepository } from '../../repositories/announced-repository.js';
import type { RepositoryDirectory } from '../../repositories/repository-directory.js';
import type { EventStore } from '../../store/event-store.js';
import type { FilterService } from './filter-service.js';
import { IndexReader } from './index-reader.js';
import { announcementKinds, authorKinds, type Topic } from './layers.js';

/**
 * Keeps the filters equal to what is stored: roots are read once from the index, then from the feed, with changes gathered
 * over a window. Nothing is read again. What is announced the directory of repositories says, which is never behind the feed.
 */
export class StoredTopics {
  readonly #store: EventStore;
  readonly #admission: Admission;
  readonly #clock: Clock;
  readonly #filters: FilterService;
  readonly #directory: RepositoryDirectory;
  readonly #windowMs: number;
  #isLoaded = false;
  readonly #changed = new Wakeup();
  readonly #reader: IndexReader;

  constructor(parts: {
    readonly store: EventStore;
    readonly admission: Admission;
    readonly clock: Clock;
    readonly filters: FilterService;
    readonly directory: RepositoryDirectory;
    readonly windowMs: number;
  }) {
    this.#store = parts.store;
    this.#reader = new IndexReader(parts.store);
    this.#admission = parts.admission;
    this.#clock = parts.clock;
    this.#filters = parts.filters;
    this.#directory = parts.directory;
    this.#windowMs = parts.windowMs;
  }

  /** Whether the stored announcements have been read: which relays there are is known. */
  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /**
   * Calls `onChanges`, and waits for it, when the stored announcements have been read, while the roots are taken in,
   * which are many more, and then once per window in which something changed.
   */
  async run(signal: AbortSignal, onChanges: () => Promise<void>): Promise<void> {
    const { feed } = this.#admission;
    const stopAccepted = feed.onAccepted((accepted) => this.#onAccepted(accepted));
    const stopRemoved = feed.onRemoved(({ removed }) => {
      for (const { id } of removed) this.#onRemoved(id);
    });
    using _ = onAbort(signal, () => this.#changed.notify());
    this.#filters.onChanged(() => this.#changed.notify());
    try {
      const addresses = await this.#loadAnnouncements(signal);
      this.#isLoaded = true;
      await onChanges();
      await this.#loadReferences(addresses, signal);
      await this.#loadRoots(signal, onChanges);
      for (;;) {
        await onChanges();
        await this.#changed.wait();
        await this.#clock.sleep(this.#windowMs, signal);
      }
    } finally {
      stopRemoved();
      stopAccepted();
    }
  }

  /** As `IndexReader.readOn`. */
  async readOn(signal: AbortSignal): Promise<void> {
    await this.#reader.readOn(signal);
  }

  /** Follows the announced repositories; gives their addresses, to which roots may refer. */
  async #loadAnnouncements(signal: AbortSignal): Promise<string[]> {
    const addresses: string[] = [];
    const announcements = { kinds: [kinds.repositoryAnnouncement] };
    for await (const ids of this.#store.idsInTurns(announcements, limits.syncRootsPerTurnMax)) {
      signal.throwIfAborted();
      for (const id of ids) {
        const repository = this.#directory.repositoryOf(id);
        if (repository === undefined) continue;
        this.#filters.follow(repository.address);
        this.#addMaintainers(repository);
        addresses.push(repository.address);
      }
    }
    return addresses;
  }

  async #loadReferences(addresses: readonly string[], signal: AbortSignal): Promise<void> {
    for (const address of addresses) {
      for (const [, filter] of rootsReferringTo(addressKeys, address)) {
        for await (const ids of this.#store.idsInTurns(filter, limits.syncRootsPerTurnMax)) {
          signal.throwIfAborted();
          for (const id of ids) if (this.#store.has(id)) this.#filters.roots.addReference(id, address);
        }
      }
      this.#addAuthorsOf(addressKeys, address);
    }
  }

  /** Roots are many, and no event of theirs is read: the index knows what refers to what is stored. */
  async #loadRoots(signal: AbortSignal, onChanges: () => Promise<void>): Promise<void> {
    let untold = 0;
    for await (const ids of this.#store.idsInTurns({ kinds: [...rootKinds] }, limits.syncRootsPerTurnMax)) {
      signal.throwIfAborted();
      for (const id of ids) {
        if (!this.#store.has(id)) continue;
        this.#addChildren(id);
        this.#filters.roots.enterRoot(id);
        this.#addAuthorsOfRoot(id);
      }
      untold += ids.length;
      if (untold < limits.syncRootsPerChangeMax) continue;
      await onChanges();
      untold = 0;
    }
  }

  /** Follows repositories as the directory has them now, though no event of them came or went. */
  async follow(addresses: Iterable<string>, turns: WorkTurns): Promise<void> {
    for (const address of addresses) {
      if (turns.isOver) await turns.next();
      // What is not followed yet is read from the directory later.
      if (!this.#filters.follows(address)) continue;
      this.#filters.follow(address);
      const repository = this.#directory.repositoryAt(address);
      if (repository !== undefined) this.#addMaintainers(repository);
    }
    this.#changed.notify();
  }

  /** Asks about all repositories anew, as when the operator named other relays to be asked. */
  async askAnew(turns: WorkTurns): Promise<void> {
    for (const address of this.#filters.followed()) {
      if (turns.isOver) await turns.next();
      this.#filters.askAnew(address);
    }
    this.#changed.notify();
  }

  #onAccepted({ event, stored }: AcceptedEvent): void {
    if (stored) this.#take(event);
  }

  #onRemoved(id: string): void {
    this.#filters.remove(id);
    this.#changed.notify();
  }

  #take(event: NostrEvent): void {
    if (authorKinds.includes(event.kind)) return;
    if (event.kind === kinds.repositoryAnnouncement) {
      const repository = this.#directory.repositoryOf(event.id);
      if (repository !== undefined) this.#takeAnnouncement(repository);
    } else if (isRootKind(event.kind)) {
      this.#addChildren(event.id);
      this.#filters.roots.addRoot(event);
      this.#addAuthorsOfRoot(event.id);
    }
    this.#takeAuthor(event);
    this.#changed.notify();
  }

  #takeAnnouncement(repository: AnnouncedRepository): void {
    const { address } = repository;
    const isNew = !this.#filters.follows(address);
    const { roots } = this.#filters;
    if (isNew) this.#noteReferring(addressKeys, address, (root) => roots.addReference(root, address));
    this.#filters.follow(address);
    if (isNew) this.#addAuthorsOf(addressKeys, address);
    this.#addMaintainers(repository);
  }

  /** The author of an event that is about repositories or roots, by its tags or as one of the maintainers. */
  #takeAuthor(event: NostrEvent): void {
    const { addresses, ids } = referencesOf(event);
    for (const subject of [...addresses, ...ids]) this.#filters.addAuthor(event.pubkey, subject);
    if (!announcementKinds.includes(event.kind)) return;
    const identifier = firstTagValue(event, 'd') ?? '';
    for (const repository of this.#directory.servedAndMaintainedBy(event.pubkey, identifier))
      this.#filters.addAuthor(event.pubkey, repositoryAddress(repository.pubkey, identifier));
  }

  /**
   * The maintainers of a repository of whom an announcement or a state of it is stored. Of those that are not served, nobody is
   * asked; strangers may have very many that name each other.
   */
  #addMaintainers(repository: AnnouncedRepository): void {
    if (!isServed(repository)) return;
    const { identifier, address } = repository;
    const maintainers = [...this.#directory.maintainersOf(repository)];
    for (const pubkey of maintainers.slice(0, limits.syncAuthorsPerTopicMax))
      if (this.#directory.hasEventOf({ pubkey, identifier })) this.#filters.addAuthor(pubkey, address);
  }

  #addAuthorsOfRoot(id: string): void {
    const author = this.#store.authorOf(id);
    if (author !== undefined) this.#filters.addAuthor(author, id);
    this.#addAuthorsOf(idKeys, id);
  }

  /** The authors of what refers to an address or an id: of very much in later turns. */
  #addAuthorsOf(keys: readonly TagKey[], subject: Topic): void {
    const note = (id: string): void => {
      const author = this.#store.authorOf(id);
      if (author !== undefined) this.#filters.addAuthor(author, subject);
    };
    for (const key of keys) {
      const filter = { [key]: [subject] };
      this.#reader.read(`authors ${key} ${subject}`, { filter, idsMax: limits.syncAuthorEventsMax, note });
    }
  }

  /** Notes which stored roots refer to a root. */
  #addChildren(id: string): void {
    const { roots } = this.#filters;
    this.#noteReferring(idKeys, id, (child) => roots.addParent(child, id));
  }

  /** Tells of the stored roots that refer to an address or an id: of very many in later turns. */
  #noteReferring(keys: readonly TagKey[], value: string, note: (rootId: string) => void): void {
    for (const [key, filter] of rootsReferringTo(keys, value))
      this.#reader.read(`roots ${key} ${value}`, { filter, idsMax: Number.POSITIVE_INFINITY, note });
  }
}

/** Tags by which a root refers to an address or to an id (`referencesOf`). */
const addressKeys: readonly TagKey[] = ['#a', '#A', '#q'];
const idKeys: readonly TagKey[] = ['#e', '#E', '#q'];

/** Filters for the roots that have the value in one of the tags, by those. */
function rootsReferringTo(keys: readonly TagKey[], value: string): (readonly [TagKey, Filter])[] {
  return keys.map((key) => {
    const filter: Filter = { kinds: [...rootKinds] };
    filter[key] = [value];
    return [key, filter];
  });
}
