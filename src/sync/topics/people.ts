import { reaches } from '../../config/limit-use.js';
import { Links } from '../../lib/collections/links.js';
import { IdNumbers } from '../../store/name-numbers.js';
import { authorTopic, everywhere, type Home, type Topic } from './layers.js';

/** Who is told of the authors that come to a home, or go. */
type TopicChanges = { noteTopic(home: Home, topic: Topic): void };

/** What somebody wrote about: a repository or a root, by its number. */
export type Subject = number;

export const repositorySubject = (address: number): Subject => 2 * address;
export const rootSubject = (root: number): Subject => 2 * root + 1;

/**
 * Layer 4 (docs/sync.md §3): the authors of what is stored about repositories and roots, asked about wherever those
 * are. Deletions and service lists hang on nothing that layers 2 and 3 ask for.
 *
 * An author stays for as long as the subject does, also when what they wrote about it has gone meanwhile.
 */
export class People {
  readonly #changes: TopicChanges;
  readonly #authors = new IdNumbers();
  readonly #ofSubjects = new Links();
  /** By home, its authors: of how many of its subjects each is one. */
  readonly #ofHomes = new Map<Home, Map<number, number>>();
  /** By author, the homes that they are an author of. */
  readonly #homes = new Map<number, Set<Home>>();

  constructor(changes: TopicChanges) {
    this.#changes = changes;
  }

  /** The authors of these homes and of what is asked about everywhere, each once. */
  *topicsOf(repositories: Iterable<number>): Iterable<Topic> {
    const seen = new Set<number>();
    for (const home of [...repositories, everywhere] as const) {
      for (const author of this.#ofHomes.get(home)?.keys() ?? []) {
        if (seen.has(author)) continue;
        seen.add(author);
        yield this.#topicOf(author);
      }
    }
  }

  /** The authors that one repository has now, each named when it is come by; to be read once, and to the end. */
  topicsOfHome(home: Home): Iterable<Topic> {
    return topicsOfAuthors(this.#authors.namesOf(this.#ofHomes.get(home)?.keys() ?? []));
  }

  /** Whether somebody is an author of one of these repositories, or of what is asked about everywhere. */
  isOneOf(repositories: ReadonlySet<Home>, pubkey: string): boolean {
    const homes = this.#homes.get(this.#authors.find(pubkey));
    if (homes === undefined) return false;
    if (homes.has(everywhere)) return true;
    const [few, many] = homes.size < repositories.size ? [homes, repositories] : [repositories, homes];
    for (const home of few) if (many.has(home)) return true;
    return false;
  }

  /** Takes an author in of a subject, which belongs to those homes. */
  add(pubkey: string, subject: Subject, homes: Iterable<Home>): void {
    const author = this.#authors.hold(pubkey);
    const isKnown = this.#ofSubjects.has(subject, author);
    if (isKnown || reaches('syncAuthorsPerTopicMax', this.#ofSubjects.countOfLeft(subject))) {
      this.#authors.release(author);
      return;
    }
    this.#ofSubjects.add(subject, author);
    for (const home of homes) this.#count(home, author);
  }

  /** A subject belongs to one more home. */
  join(home: Home, subject: Subject): void {
    for (const author of this.#ofSubjects.ofLeft(subject)) this.#count(home, author);
  }

  /** A subject belongs to one home less. */
  leave(home: Home, subject: Subject): void {
    for (const author of this.#ofSubjects.ofLeft(subject)) this.#uncount(home, author);
  }

  /** Forgets the authors of a subject that is gone and belongs to no home any more. */
  drop(subject: Subject): void {
    for (const author of this.#ofSubjects.ofLeft(subject)) {
      this.#ofSubjects.delete(subject, author);
      this.#authors.release(author);
    }
  }

  #count(home: Home, author: number): void {
    let authors = this.#ofHomes.get(home);
    if (authors === undefined) {
      authors = new Map();
      this.#ofHomes.set(home, authors);
    }
    const subjects = authors.get(author) ?? 0;
    authors.set(author, subjects + 1);
    if (subjects > 0) return;
    const homes = this.#homes.get(author);
    if (homes === undefined) this.#homes.set(author, new Set([home]));
    else homes.add(home);
    this.#changes.noteTopic(home, this.#topicOf(author));
  }

  #uncount(home: Home, author: number): void {
    const authors = this.#ofHomes.get(home);
    const left = (authors?.get(author) ?? 0) - 1;
    if (left > 0) {
      authors?.set(author, left);
      return;
    }
    if (authors?.delete(author) !== true) return;
    if (authors.size === 0) this.#ofHomes.delete(home);
    const homes = this.#homes.get(author);
    homes?.delete(home);
    if (homes?.size === 0) this.#homes.delete(author);
    this.#changes.noteTopic(home, this.#topicOf(author));
  }

  #topicOf(author: number): Topic {
    return authorTopic(this.#authors.nameOf(author));
  }
}

function* topicsOfAuthors(pubkeys: Iterable<string>): Iterable<Topic> {
  for (const pubkey of pubkeys) yield authorTopic(pubkey);
}
