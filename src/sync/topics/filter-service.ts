import type { AnnouncedRepository } from '../../repositories/announced-repository.js';
import type { RepositoryDirectory } from '../../repositories/repository-directory.js';
import { RootGraph } from '../../repositories/root-graph.js';
import type { Discovery, Naming } from './discovery.js';
import { announcementsTopic, parseTopic, type Topic } from './layers.js';
import { People, repositorySubject, rootSubject } from './people.js';
import { ChangesByPlace, everywhere, type Place, type TopicChanges } from './topic-changes.js';

/** A repository as it was when it was followed last. */
type Followed = {
  readonly repository: AnnouncedRepository;
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

const nobody: ReadonlySet<string> = new Set();

/**
 * The layers (docs/sync.md §3), kept as topics by relay and changed only by what comes and goes: nothing is
 * rescanned, and the 10,000th repository costs what the 10th did.
 *
 * A root is asked about wherever its repositories are. A stored root that belongs to none (something stored refers to
 * it) is asked for everywhere.
 */
export class FilterService {
  readonly #discovery: Discovery;
  readonly #directory: Pick<RepositoryDirectory, 'repositoryAt'>;
  /** Which roots belong to which of the repositories that are followed. */
  readonly roots = new RootGraph({
    joined: (root, repository) => {
      for (const relay of this.#relaysOf(repository)) this.#askRoot(relay, root, repository);
    },
    left: (root, repository) => {
      for (const relay of this.#relaysOf(repository)) this.#forgetRoot(relay, root, repository);
    },
    orphaned: (root) => {
      this.#changes.note(everywhere, this.roots.idOf(root), 'added');
      this.#people.ask(everywhere, rootSubject(root));
    },
    adopted: (root) => {
      this.#changes.note(everywhere, this.roots.idOf(root), 'removed');
      this.#people.forget(everywhere, rootSubject(root));
    },
    removed: (root) => this.#people.drop(rootSubject(root)),
  });
  /** By the numbers of their addresses. */
  readonly #followed = new Map<number, Followed>();
  readonly #numberOfEvent = new Map<string, number>();
  readonly #asked = new Map<string, Asked>();
  readonly #changes = new ChangesByPlace();
  readonly #people = new People(this.#changes);

  constructor(parts: {
    readonly discovery: Discovery;
    readonly directory: Pick<RepositoryDirectory, 'repositoryAt'>;
  }) {
    this.#discovery = parts.discovery;
    this.#directory = parts.directory;
  }

  /** How many repositories are followed. */
  get repositories(): number {
    return this.#followed.size;
  }

  /** How many topics `topicsOf` has. */
  topicCount(relay: string): number {
    const asked = this.#asked.get(relay);
    const topics = asked === undefined ? 0 : asked.repositories.size + asked.roots;
    return 1 + topics + this.roots.orphans.size + this.#people.count(relay);
  }

  /**
   * Everything that a relay is to be asked about, a repository with its roots at a time; of each the oldest first. Then
   * the authors.
   */
  *topicsOf(relay: string): Iterable<Topic> {
    yield announcementsTopic;
    for (const repository of this.#asked.get(relay)?.repositories ?? []) {
      yield this.roots.addressOf(repository);
      for (const root of this.roots.rootsOf(repository)) {
        if (this.#repositoryAskedOf(relay, root) === repository) yield this.roots.idOf(root);
      }
    }
    for (const root of this.roots.orphans) yield this.roots.idOf(root);
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
        return this.#relaysOf(this.roots.findAddress(parsed.address)).has(relay);
      case 'root': {
        const root = this.roots.find(parsed.id);
        return (
          root >= 0 && (this.roots.orphans.has(root) || this.#repositoryAskedOf(relay, root) !== undefined)
        );
      }
    }
  }

  /** The relays that the stored announcement of a repository names; none when it is not stored. */
  relaysNamedBy(address: string): readonly string[] {
    return this.#directory.repositoryAt(address)?.relays ?? [];
  }

  /** Whether the stored announcement of a repository names the relay. */
  isNamedBy(address: string, relay: string): boolean {
    return this.relaysNamedBy(address).includes(relay);
  }

  /** The changes by relay since the last call. An orphan root is a change `everywhere`. */
  takeChanges(): ReadonlyMap<Place, TopicChanges> {
    return this.#changes.take();
  }

  /** Whether the repository is followed. */
  follows(address: string): boolean {
    return this.#followed.has(this.roots.findAddress(address));
  }

  /** Follows a repository as it is announced now, or no longer when it is not. */
  follow(address: string): void {
    const number = this.roots.findAddress(address);
    const known = this.#followed.get(number);
    const repository = this.#directory.repositoryAt(address);
    if (known?.repository === repository) return;
    if (repository !== undefined) this.#discovery.add(repository.relays, namingOf(repository));
    if (known !== undefined) {
      this.#discovery.remove(known.repository.relays, namingOf(known.repository));
      this.#numberOfEvent.delete(known.repository.eventId);
    }
    if (repository !== undefined) this.#enter(repository, known);
    else if (known !== undefined) this.#leave(number, known);
  }

  /** Takes the author of something stored in that is about this repository or root, if we follow that. */
  addAuthor(pubkey: string, subject: Topic): void {
    const root = this.roots.find(subject);
    if (root >= 0) {
      if (this.roots.isRoot(root)) this.#people.add(pubkey, rootSubject(root), this.#placesOfRoot(root));
      return;
    }
    const number = this.roots.findAddress(subject);
    const followed = this.#followed.get(number);
    if (followed !== undefined) this.#people.add(pubkey, repositorySubject(number), followed.asked);
  }

  /** Follows no longer what an event announced that left the store, or the root that it was. */
  remove(eventId: string): void {
    const number = this.#numberOfEvent.get(eventId);
    if (number !== undefined) this.follow(this.roots.addressOf(number));
    this.roots.removeRoot(eventId);
  }

  #enter(repository: AnnouncedRepository, known: Followed | undefined): void {
    const { address, eventId, standing, relays } = repository;
    const asked = standing === 'stranger' ? nobody : new Set([...this.#discovery.bootstrap, ...relays]);
    const number = known === undefined ? this.roots.addRepository(address) : this.roots.findAddress(address);
    this.#followed.set(number, { repository, asked });
    this.#numberOfEvent.set(eventId, number);
    for (const relay of known?.asked ?? []) if (!asked.has(relay)) this.#forgetRepository(relay, number);
    for (const relay of asked) if (known?.asked.has(relay) !== true) this.#askRepository(relay, number);
  }

  #leave(number: number, { asked }: Followed): void {
    for (const relay of asked) this.#forgetRepository(relay, number);
    this.#people.drop(repositorySubject(number));
    this.#followed.delete(number);
    this.roots.removeRepository(number);
  }

  /** The relays that are asked about a repository. */
  #relaysOf(repository: number): ReadonlySet<string> {
    return this.#followed.get(repository)?.asked ?? nobody;
  }

  /** Where a root is asked about. */
  #placesOfRoot(root: number): Set<Place> {
    const places = new Set<Place>(this.roots.orphans.has(root) ? [everywhere] : []);
    for (const repository of this.roots.repositoriesOf(root))
      for (const relay of this.#relaysOf(repository)) places.add(relay);
    return places;
  }

  #askRepository(relay: string, repository: number): void {
    for (const root of this.roots.rootsOf(repository)) this.#askRoot(relay, root, repository);
    this.#askedOf(relay).repositories.add(repository);
    this.#changes.note(relay, this.roots.addressOf(repository), 'added');
    this.#people.ask(relay, repositorySubject(repository));
  }

  /** Stops asking about a repository, and about those of its roots that no other repository of the relay has. */
  #forgetRepository(relay: string, repository: number): void {
    for (const root of this.roots.rootsOf(repository)) this.#forgetRoot(relay, root, repository);
    const { repositories } = this.#askedOf(relay);
    repositories.delete(repository);
    this.#changes.note(relay, this.roots.addressOf(repository), 'removed');
    this.#people.forget(relay, repositorySubject(repository));
    if (repositories.size === 0) this.#asked.delete(relay);
  }

  /** Asks about a root of a repository, unless another one of the root makes us ask already. */
  #askRoot(relay: string, root: number, repository: number): void {
    if (this.#repositoryAskedOf(relay, root, repository) !== undefined) return;
    this.#askedOf(relay).roots += 1;
    this.#changes.note(relay, this.roots.idOf(root), 'added');
    this.#people.ask(relay, rootSubject(root));
  }

  /** Stops asking about a root of a repository, unless another one of the root makes us ask. */
  #forgetRoot(relay: string, root: number, repository: number): void {
    if (this.#repositoryAskedOf(relay, root, repository) !== undefined) return;
    this.#askedOf(relay).roots -= 1;
    this.#changes.note(relay, this.roots.idOf(root), 'removed');
    this.#people.forget(relay, rootSubject(root));
  }

  /** The repository of a root, other than `except`, for which the relay is asked about it. */
  #repositoryAskedOf(relay: string, root: number, except = -1): number | undefined {
    for (const repository of this.roots.repositoriesOf(root)) {
      if (repository !== except && this.#relaysOf(repository).has(relay)) return repository;
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

/** Under which name, and of what standing, the relays of a repository are counted. */
function namingOf({ pubkey, standing }: AnnouncedRepository): Naming {
  return { author: pubkey, standing };
}
