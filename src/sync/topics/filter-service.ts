import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';
import type { AnnouncedRepository } from '../../repositories/announced-repository.js';
import type { RepositoryDirectory } from '../../repositories/repository-directory.js';
import { RootGraph, type RootObserver } from '../../repositories/root-graph.js';
import type { Discovery, Naming } from './discovery.js';
import { announcementsTopic, everywhere, type Home, parseTopic, type Topic } from './layers.js';
import { People, repositorySubject, rootSubject } from './people.js';
import { ChangesByHome } from './topic-changes.js';

/** A repository as it was when it was followed last. */
type Followed = {
  readonly repository: AnnouncedRepository;
  /** The relays that are asked about it: the named ones and the operator's if we serve it, else none. */
  readonly asked: ReadonlySet<string>;
};

/**
 * What is to be looked at again: on these relays it may be wanted only now, or no longer. Of very many topics each is named
 * when it is come by: they are to be read once, and to the end.
 */
export type TopicChange = {
  readonly topics: Iterable<Topic>;
  readonly relays: readonly string[] | typeof everywhere;
};

const nobody: ReadonlySet<string> = new Set();
const nothing: ReadonlySet<number> = new Set();

/**
 * The layers (docs/sync.md §3), changed only by what comes and goes: nothing is rescanned, and the 10,000th repository
 * costs what the 10th did. Which relays are asked about a repository is kept, and what belongs to it; what a relay is
 * asked about follows from the two. So relays that come or go for a repository with thousands of roots cost no more
 * than their number, until each is told which topics to look at again.
 *
 * A root is asked about wherever its repositories are. A stored root that belongs to none (something stored refers to
 * it) is asked for everywhere.
 */
export class FilterService {
  readonly #discovery: Discovery;
  readonly #directory: Pick<RepositoryDirectory, 'repositoryAt'>;
  /** Which roots belong to which of the repositories that are followed. */
  readonly roots: RootGraph;
  /** By the numbers of their addresses. */
  readonly #followed = new Map<number, Followed>();
  readonly #numberOfEvent = new Map<string, number>();
  /** By relay, the repositories that it is asked about, by the numbers of their addresses. */
  readonly #asked = new Map<string, Set<number>>();
  readonly #changes = new ChangesByHome();
  readonly #people = new People(this.#changes);

  constructor(parts: {
    readonly discovery: Discovery;
    readonly directory: Pick<RepositoryDirectory, 'repositoryAt'>;
    /** Those in which very many roots come to a repository, or go. */
    readonly turns: WorkTurns;
  }) {
    this.#discovery = parts.discovery;
    this.#directory = parts.directory;
    const observer: RootObserver = {
      joined: (root, repository) => this.#join(root, repository),
      left: (root, repository) => this.#part(root, repository),
      orphaned: (root) => this.#join(root, everywhere),
      adopted: (root) => this.#part(root, everywhere),
      removed: (root) => this.#people.drop(rootSubject(root)),
    };
    this.roots = new RootGraph(observer, parts.turns);
  }

  /** Has a listener called whenever there is something to be taken by `takeChanges`, also in later turns. */
  onChanged(listener: () => void): void {
    this.#changes.onChanged(listener);
  }

  /** How many repositories are followed. */
  get repositories(): number {
    return this.#followed.size;
  }

  /** Whether `topicsOf` has at least so many topics; no more of them are looked at. */
  hasTopics(relay: string, count: number): boolean {
    let left = count;
    for (const _ of this.topicsOf(relay)) {
      left -= 1;
      if (left <= 0) return true;
    }
    return left <= 0;
  }

  /**
   * Everything that a relay is to be asked about, a repository with its roots at a time; of each the oldest first. Then
   * the authors. More may come and go while it is read.
   */
  *topicsOf(relay: string): Iterable<Topic> {
    yield announcementsTopic;
    const repositories = this.#askedOf(relay);
    for (const repository of repositories) {
      yield this.roots.addressOf(repository);
      // Those that go meanwhile belong to it no more.
      for (const root of [...this.roots.rootsOf(repository)]) {
        if (this.#repositoryAskedOf(relay, root) === repository) yield this.roots.idOf(root);
      }
    }
    for (const root of this.roots.orphans) yield this.roots.idOf(root);
    yield* this.#people.topicsOf(repositories);
  }

  /** What `topicsOf` has but for roots and authors. */
  *repositoriesOf(relay: string): Iterable<Topic> {
    yield announcementsTopic;
    for (const repository of this.#askedOf(relay)) yield this.roots.addressOf(repository);
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
        return this.#people.isOneOf(this.#askedOf(relay), parsed.pubkey);
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

  /**
   * What may have changed until this call, to be told to the relays one by one: `wants` says what it has come to. Each is
   * taken when it is asked for and has all that changed until then, so that there may be turns in between, and while its
   * topics are read.
   */
  *takeChanges(): IterableIterator<TopicChange> {
    for (let left = this.#changes.size; left > 0; left -= 1) {
      const changes = this.#changes.takeFirst();
      if (changes === undefined) return;
      const { home, topics, relays: moved } = changes;
      if (home === everywhere) yield { topics, relays: everywhere };
      else {
        const stayed = [...this.#relaysOf(home)].filter((relay) => !moved.has(relay));
        if (stayed.length > 0 && topics.size > 0) yield { topics, relays: stayed };
        if (moved.size > 0) yield { topics: this.#withTopicsOf(home, topics), relays: [...moved] };
      }
    }
  }

  /** Whether the repository is followed. */
  follows(address: string): boolean {
    return this.#followed.has(this.roots.findAddress(address));
  }

  /** The addresses of all repositories that are followed, also of such as come or go meanwhile. */
  *followed(): IterableIterator<string> {
    for (const { repository } of this.#followed.values()) yield repository.address;
  }

  /** Asks about a repository anew, as when the operator named other relays to be asked. */
  askAnew(address: string): void {
    const known = this.#followed.get(this.roots.findAddress(address));
    if (known !== undefined) this.#enter(known.repository, known);
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
      if (this.roots.isRoot(root)) this.#people.add(pubkey, rootSubject(root), this.#homesOf(root));
      return;
    }
    const number = this.roots.findAddress(subject);
    const followed = this.#followed.get(number);
    if (followed !== undefined) this.#people.add(pubkey, repositorySubject(number), [number]);
  }

  /** Follows no longer what an event announced that left the store, or the root that it was. */
  remove(eventId: string): void {
    const number = this.#numberOfEvent.get(eventId);
    if (number !== undefined) this.follow(this.roots.addressOf(number));
    this.roots.removeRoot(eventId);
  }

  #enter(repository: AnnouncedRepository, known: Followed | undefined): void {
    const { address, eventId, standing, relays } = repository;
    // Of relays for which there was no room none is followed.
    const named = relays.filter((relay) => this.#discovery.isNamed(relay));
    const asked = standing === 'stranger' ? nobody : new Set([...this.#discovery.bootstrap, ...named]);
    const number = known === undefined ? this.roots.addRepository(address) : this.roots.findAddress(address);
    this.#followed.set(number, { repository, asked });
    this.#numberOfEvent.set(eventId, number);
    this.#ask(number, known?.asked ?? nobody, asked);
  }

  #leave(number: number, { asked }: Followed): void {
    this.#ask(number, asked, nobody);
    this.#people.leave(number, repositorySubject(number));
    this.#people.drop(repositorySubject(number));
    this.#followed.delete(number);
    this.#changes.noteTopic(number, this.roots.addressOf(number));
    this.roots.removeRepository(number);
  }

  /** Asks other relays about a repository than before. */
  #ask(repository: number, before: ReadonlySet<string>, now: ReadonlySet<string>): void {
    for (const relay of before) {
      if (now.has(relay)) continue;
      const repositories = this.#asked.get(relay);
      repositories?.delete(repository);
      if (repositories?.size === 0) this.#asked.delete(relay);
      this.#changes.noteRelay(repository, relay);
    }
    for (const relay of now) {
      if (before.has(relay)) continue;
      const repositories = this.#asked.get(relay);
      if (repositories === undefined) this.#asked.set(relay, new Set([repository]));
      else repositories.add(repository);
      this.#changes.noteRelay(repository, relay);
    }
  }

  /** The relays that are asked about a repository. */
  #relaysOf(repository: number): ReadonlySet<string> {
    return this.#followed.get(repository)?.asked ?? nobody;
  }

  /** The repositories that a relay is asked about. */
  #askedOf(relay: string): ReadonlySet<number> {
    return this.#asked.get(relay) ?? nothing;
  }

  /** What a root belongs to. */
  #homesOf(root: number): Iterable<Home> {
    return this.roots.orphans.has(root) ? [everywhere] : this.roots.repositoriesOf(root);
  }

  #join(root: number, home: Home): void {
    this.#changes.noteTopic(home, this.roots.idOf(root));
    this.#people.join(home, rootSubject(root));
  }

  #part(root: number, home: Home): void {
    this.#changes.noteTopic(home, this.roots.idOf(root));
    this.#people.leave(home, rootSubject(root));
  }

  /** These topics, and all others that a repository has: one that is followed no longer may have some that are still to go. */
  #withTopicsOf(repository: number, topics: ReadonlySet<Topic>): Iterable<Topic> {
    const address = this.#followed.has(repository) ? [this.roots.addressOf(repository)] : [];
    const roots = this.roots.idsOf(this.roots.rootsOf(repository));
    const authors = this.#people.topicsOfHome(repository);
    return allOf(topics, [address, roots, authors]);
  }

  /** The repository of a root for which the relay is asked about it. */
  #repositoryAskedOf(relay: string, root: number): number | undefined {
    for (const repository of this.roots.repositoriesOf(root)) {
      if (this.#relaysOf(repository).has(relay)) return repository;
    }
    return undefined;
  }
}

/** Some topics, and the others of these lists. */
function* allOf(topics: ReadonlySet<Topic>, lists: readonly Iterable<Topic>[]): Iterable<Topic> {
  yield* topics;
  for (const list of lists) for (const topic of list) if (!topics.has(topic)) yield topic;
}

/** Under which name, and of what standing, the relays of a repository are counted. */
function namingOf({ pubkey, standing }: AnnouncedRepository): Naming {
  return { author: pubkey, standing };
}
