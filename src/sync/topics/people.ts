import { limits } from '../../config/limits.js';
import { Links } from '../../lib/collections/links.js';
import { IdNumbers } from '../../store/name-numbers.js';
import { authorTopic, type Topic } from './layers.js';
import type { ChangesByRelay } from './topic-changes.js';
import { everywhere } from './topic-changes.js';

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
  readonly #changes: ChangesByRelay;
  readonly #authors = new IdNumbers();
  readonly #ofSubjects = new Links();
  /** By relay, the authors that it is asked about: of how many subjects, asked there too, each is one. */
  readonly #asked = new Map<string, Map<number, number>>();

  constructor(changes: ChangesByRelay) {
    this.#changes = changes;
  }

  /** How many authors a relay is asked about. */
  count(relay: string): number {
    let count = this.#asked.get(relay)?.size ?? 0;
    for (const author of this.#asked.get(everywhere)?.keys() ?? [])
      if (!this.#isAsked(relay, author)) count += 1;
    return count;
  }

  *topicsOf(relay: string): Iterable<Topic> {
    for (const author of this.#asked.get(relay)?.keys() ?? []) yield this.#topicOf(author);
    for (const author of this.#asked.get(everywhere)?.keys() ?? [])
      if (!this.#isAsked(relay, author)) yield this.#topicOf(author);
  }

  wants(relay: string, pubkey: string): boolean {
    const author = this.#authors.find(pubkey);
    return this.#isAsked(relay, author) || this.#isAsked(everywhere, author);
  }

  /** Takes an author of a subject in, which is asked about on these relays. */
  add(pubkey: string, subject: Subject, relays: Iterable<string>): void {
    const author = this.#authors.hold(pubkey);
    const isKnown = this.#ofSubjects.has(subject, author);
    if (isKnown || this.#ofSubjects.countOfLeft(subject) >= limits.syncAuthorsPerTopicMax) {
      this.#authors.release(author);
      return;
    }
    this.#ofSubjects.add(subject, author);
    for (const relay of relays) this.#ask(relay, author);
  }

  /** A subject is asked about on one more relay. */
  ask(relay: string, subject: Subject): void {
    for (const author of this.#ofSubjects.ofLeft(subject)) this.#ask(relay, author);
  }

  /** A subject is asked about on one relay less. */
  forget(relay: string, subject: Subject): void {
    const asked = this.#asked.get(relay);
    for (const author of this.#ofSubjects.ofLeft(subject)) {
      const left = (asked?.get(author) ?? 0) - 1;
      if (left > 0) asked?.set(author, left);
      else if (asked?.delete(author) === true) this.#changes.note(relay, this.#topicOf(author), 'removed');
    }
    if (asked?.size === 0) this.#asked.delete(relay);
  }

  /** Forgets the authors of a subject that is gone and is asked about nowhere any more. */
  drop(subject: Subject): void {
    for (const author of this.#ofSubjects.ofLeft(subject)) {
      this.#ofSubjects.delete(subject, author);
      this.#authors.release(author);
    }
  }

  #ask(relay: string, author: number): void {
    let asked = this.#asked.get(relay);
    if (asked === undefined) {
      asked = new Map();
      this.#asked.set(relay, asked);
    }
    const subjects = asked.get(author) ?? 0;
    asked.set(author, subjects + 1);
    if (subjects === 0) this.#changes.note(relay, this.#topicOf(author), 'added');
  }

  #isAsked(relay: string, author: number): boolean {
    return this.#asked.get(relay)?.has(author) === true;
  }

  #topicOf(author: number): Topic {
    return authorTopic(this.#authors.nameOf(author));
  }
}
