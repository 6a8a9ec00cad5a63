import { parseAddress } from '../nostr/address.js';
import { InvalidEventError, type NostrEvent } from '../nostr/event.js';
import { kinds } from '../nostr/kinds.js';
import { parseAnnouncement } from '../nostr/repository.js';
import type { EventStore, RemovedEvent } from '../store/event-store.js';
import { AnnouncedRepositories, isServed } from './announced-repositories.js';
import {
  type AnnouncedRepository,
  announcedRepository,
  type ServingOfAnnouncements,
} from './announced-repository.js';
import { HeldAnnouncements } from './held-announcements.js';
import { MaintainerGraph } from './maintainers/maintainer-graph.js';
import type { AskedKeys } from './maintainers/maintainer-group.js';
import { isPullRequest } from './pull-request.js';
import { PullRequestLinks } from './pull-request-links.js';
import { checkedIdentifier } from './repository-identifier.js';
import { newestOf, type StateEntry, StoredStates } from './stored-states.js';

/** A repository by the author and identifier of its announcement. */
export type RepositoryId = { readonly pubkey: string; readonly identifier: string };

/** A pull request, and the repositories that it names or, when it has gone, may have named. */
export type NamingPullRequest = { readonly eventId: string; readonly repositories: readonly RepositoryId[] };

/** What left the directory with a removed event. */
export type Departed =
  | (RepositoryId & { readonly type: 'announcement' | 'state' })
  | { readonly type: 'pull-request'; readonly pullRequest: NamingPullRequest };

const loadedKinds = [kinds.repositoryAnnouncement, kinds.repositoryState];

/** What the directory asks of the store. */
type Source = Pick<EventStore, 'query' | 'ids' | 'idsInTurns' | 'has'>;

/**
 * What is stored about repositories, in memory, so that policy, git side and sync can ask without waiting:
 * announcements and who maintains what, the newest state of each author, what pull requests name. Filled at the start by `load`, then
 * told of each event that the store took or gave up; between the two calls it answers exactly what the store holds.
 *
 * Held announcements, to whose repositories nothing was pushed yet, count where it is about who maintains what and what is
 * on disk; nothing else may hang on them.
 */
export class RepositoryDirectory {
  readonly #serving: ServingOfAnnouncements;
  readonly #maintainers = new MaintainerGraph((repository) => this.isServed(repository));
  readonly #announcements = new AnnouncedRepositories();
  readonly #held: HeldAnnouncements;
  readonly #states = new StoredStates();
  readonly #pullRequests = new PullRequestLinks();
  /** Where the event with that id is entered. */
  readonly #places = new Map<string, RepositoryId & { readonly type: 'announcement' | 'state' }>();

  constructor(serving: ServingOfAnnouncements) {
    this.#serving = serving;
    this.#held = new HeldAnnouncements(serving);
  }

  /** Enters all that the store holds. Of pull requests, which are many, its index knows enough. */
  async load(store: Source): Promise<void> {
    this.#pullRequests.readFrom(store);
    for await (const chunk of store.query([{ kinds: loadedKinds }])) {
      for (const { event } of chunk) this.onStored(event);
    }
  }

  /** Enters an event that the store took; it takes the place of an older one at its address. */
  onStored(event: NostrEvent): void {
    unlessInvalid(() => {
      if (event.kind === kinds.repositoryAnnouncement) this.#enterAnnouncement(event);
      else if (event.kind === kinds.repositoryState) this.#enterState(event);
      else if (isPullRequest(event)) this.#pullRequests.enter(event);
    });
  }

  /**
   * Judges a stored announcement anew, after the rules of serving changed. Gives its repository where we stand otherwise to it
   * than before; one that was replaced or removed meanwhile has no say.
   */
  judgeAnew(event: NostrEvent): AnnouncedRepository | undefined {
    const known = this.repositoryOf(event.id);
    if (known === undefined) return undefined;
    const repository = announcedRepository(event, parseAnnouncement(event), this.#serving);
    const { standing, awaitsGitData } = repository;
    if (standing === known.standing && awaitsGitData === known.awaitsGitData) return undefined;
    this.#announcements.enter(repository);
    this.#maintainers.onServingChanged(repository.identifier);
    return repository;
  }

  /** Takes out events that left the store. What has been replaced already is not touched. */
  onRemoved(removed: readonly RemovedEvent[]): Departed[] {
    return removed.flatMap((event) => this.#takeOut(event) ?? []);
  }

  /** Enters an event that is held; one at a place where an announcement is stored has no say. */
  onHeld(event: NostrEvent): void {
    if (event.kind !== kinds.repositoryAnnouncement) return;
    unlessInvalid(() => {
      const repository = this.#held.enter(event);
      if (!this.isAnnounced(repository)) this.#enterHeldMaintainers(repository);
    });
  }

  /** Takes out an event that is held no longer. */
  onReleased(event: NostrEvent): void {
    if (event.kind !== kinds.repositoryAnnouncement) return;
    const released = this.#held.leave(event);
    if (released === undefined || this.isAnnounced(released)) return;
    this.#maintainers.delete(released.identifier, released.pubkey);
  }

  /** Whether any announcement with that identifier is stored or held. */
  isKnown(identifier: string): boolean {
    return this.#maintainers.has(identifier);
  }

  /** Whether this author's announcement with that identifier is stored. */
  isAnnounced({ pubkey, identifier }: RepositoryId): boolean {
    return this.#announcements.at({ pubkey, identifier }) !== undefined;
  }

  /** Whether this author's announcement or state with that identifier is stored. */
  hasEventOf(repository: RepositoryId): boolean {
    return this.isAnnounced(repository) || this.#states.at(repository) !== undefined;
  }

  /** Whether the repository is announced, and hosted or archived here: it then has a place on disk. */
  isServed(repository: RepositoryId): boolean {
    return isServed(this.#at(repository));
  }

  /** Whether what is new of the repository is served only when its git data is here. */
  awaitsGitData(repository: RepositoryId): boolean {
    return this.#at(repository)?.awaitsGitData === true;
  }

  /** The repository with that address, if its announcement is stored. */
  repositoryAt(address: string): AnnouncedRepository | undefined {
    const repository = parseAddress(address);
    if (repository?.kind !== kinds.repositoryAnnouncement) return undefined;
    return this.#announcements.at(repository);
  }

  /** The repository that a stored event announces. */
  repositoryOf(eventId: string): AnnouncedRepository | undefined {
    const place = this.#places.get(eventId);
    if (place?.type !== 'announcement') return undefined;
    return this.#announcements.at(place);
  }

  /** All repositories that are served whose announcement is stored: those that anybody can find. */
  listed(): IterableIterator<AnnouncedRepository> {
    return this.#announcements.served();
  }

  /** All repositories that are served. */
  *served(): IterableIterator<RepositoryId> {
    for (const { pubkey, identifier } of this.listed()) yield { pubkey, identifier };
    yield* this.#heldServed();
  }

  /** How many those are, told without a look at each. */
  get servedCount(): number {
    return this.#announcements.servedCount + [...this.#heldServed()].length;
  }

  /** Whether the key is in the recursive maintainer set of any repository of that identifier. */
  isMaintainer(key: string, identifier: string): boolean {
    return this.#maintainers.isMaintainer(key, identifier);
  }

  /** The same by stored announcements alone. */
  isStoredMaintainer(key: string, identifier: string): boolean {
    const stored = this.#announcements.named(identifier);
    if (stored === undefined) return false;
    if (stored.has(key)) return true;
    for (const author of this.#maintainers.appointersOf(identifier, key)) if (stored.has(author)) return true;
    return false;
  }

  /** Whether a stored announcement of that identifier is by the key, names it as maintainer or invites it. */
  isNamed(key: string, identifier: string): boolean {
    const stored = this.#announcements.named(identifier);
    if (stored === undefined) return false;
    if (stored.has(key)) return true;
    for (const author of this.#maintainers.namersOf(identifier, key)) if (stored.has(author)) return true;
    return false;
  }

  /** The ids of the held announcements of others that name the key as maintainer. */
  heldNaming(key: string, identifier: string): string[] {
    const namers = [...this.#maintainers.namersOf(identifier, key)];
    return namers.flatMap((pubkey) => {
      const held = this.#held.at({ pubkey, identifier })?.repository;
      return held === undefined || this.isAnnounced(held) ? [] : [held.eventId];
    });
  }

  /** The recursive maintainer set of a repository; empty when it is not announced. */
  maintainersOf(repository: RepositoryId): ReadonlySet<string> {
    return this.#maintainers.maintainersOf(repository);
  }

  /** Which of these keys are in it; it may hold very many others. */
  maintainersAmong(repository: RepositoryId, keys: AskedKeys): ReadonlySet<string> {
    return this.#maintainers.maintainersAmong(repository, keys);
  }

  /**
   * The served repositories in whose recursive maintainer set the key is: those that its states govern. Where strangers have made
   * these more than can be looked at, others as well, so that it tells where to look and not who has a say.
   */
  servedAndMaintainedBy(key: string, identifier: string): RepositoryId[] {
    return this.#maintainers.authorsMaintainedBy(identifier, key).map((pubkey) => ({ pubkey, identifier }));
  }

  /** The newest state among those of the maintainers: the one that the repository follows. */
  stateOf(repository: RepositoryId): StateEntry | undefined {
    const states = this.#states.named(repository.identifier);
    return states && newestOf(states, this.maintainersAmong(repository, states));
  }

  #at(repository: RepositoryId): AnnouncedRepository | undefined {
    return this.#announcements.at(repository) ?? this.#held.at(repository)?.repository;
  }

  *#heldServed(): IterableIterator<RepositoryId> {
    for (const repository of this.#held.repositories()) {
      const { pubkey, identifier } = repository;
      if (isServed(repository) && !this.isAnnounced(repository)) yield { pubkey, identifier };
    }
  }

  #enterHeldMaintainers(repository: RepositoryId): void {
    const held = this.#held.at(repository);
    if (held !== undefined) this.#maintainers.set(repository.identifier, repository.pubkey, held);
  }

  #enterAnnouncement(event: NostrEvent): void {
    checkedIdentifier(event);
    const announcement = parseAnnouncement(event);
    const { pubkey, identifier } = announcement;
    const known = this.#announcements.at(announcement);
    // Pull requests may have come before it.
    if (known === undefined) this.#pullRequests.enterEarlier({ pubkey, identifier });
    this.#forgetPlace(known?.eventId);
    const repository = announcedRepository(event, announcement, this.#serving);
    this.#announcements.enter(repository);
    this.#maintainers.set(identifier, pubkey, announcement);
    this.#places.set(event.id, { type: 'announcement', pubkey, identifier });
  }

  #enterState(event: NostrEvent): void {
    const { id, pubkey, created_at } = event;
    const identifier = checkedIdentifier(event);
    this.#forgetPlace(this.#states.at({ pubkey, identifier })?.id);
    this.#states.enter({ id, pubkey, identifier, created_at });
    this.#places.set(id, { type: 'state', pubkey, identifier });
  }

  #forgetPlace(id: string | undefined): void {
    if (id !== undefined) this.#places.delete(id);
  }

  #takeOut({ id, kind }: RemovedEvent): Departed | undefined {
    const place = this.#places.get(id);
    if (place !== undefined) {
      this.#places.delete(id);
      if (place.type === 'state') this.#states.leave(place);
      else {
        this.#announcements.leave(place);
        this.#maintainers.delete(place.identifier, place.pubkey);
        this.#enterHeldMaintainers(place);
      }
      return place;
    }
    const repositories = this.#pullRequests.take({ id, kind });
    if (repositories.length === 0) return undefined;
    return { type: 'pull-request', pullRequest: { eventId: id, repositories } };
  }
}

/** An event that was taken under other rules, by an import or an earlier version, stays readable and has no say here. */
function unlessInvalid(step: () => void): void {
  try {
    step();
  } catch (error) {
    if (!(error instanceof InvalidEventError)) throw error;
  }
}
