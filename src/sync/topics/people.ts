import { limits } from '../../config/limits.js';
import { Links } from '../../lib/collections/links.js';
import { IdNumbers } from '../../store/name-numbers.js';
import { authorTopic, type Topic } from './layers.js';
import { type ChangesByPlace, everywhere, type Place } from './topic-changes.js';

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
  readonly #changes: ChangesByPlace;
  readonly #authors = new IdNumbers();
  readonly #ofSubjects = new Links();
  /** By place, the authors that are asked about there: of how many subjects, asked there too, each is one. */
  readonly #asked = new Map<Place, Map<number, number>>();

  constructor(changes: ChangesByPlace) {
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

  /** Takes an author of a subject in, which is asked about there. */
  add(pubkey: string, subject: Subject, places: Iterable<Place>): void {
    const author = this.#authors.hold(pubkey);
    const isKnown = this.#ofSubjects.has(subject, author);
    if (isKnown || this.#ofSubjects.countOfLeft(subject) >= limits.syncAuthorsPerTopicMax) {
      this.#authors.release(author);
      return;
    }
    this.#ofSubjects.add(subject, author);
    for (const place of places) this.#ask(place, author);
  }

  /** A subject is asked about in one more place. */
  ask(place: Place, subject: Subject): void {
    for (const author of this.#ofSubjects.ofLeft(subject)) this.#ask(place, author);
  }

  /** A subject is asked about in one place less. */
  forget(place: Place, subject: Subject): void {
    const asked = this.#asked.get(place);
    for (const author of this.#ofSubjects.ofLeft(subject)) {
      const left = (asked?.get(author) ?? 0) - 1;
      if (left > 0) asked?.set(author, left);
      else if (asked?.delete(author) === true) this.#changes.note(place, this.#topicOf(author), 'removed');
    }
    if (asked?.size === 0) this.#asked.delete(place);
  }

  /** Forgets the authors of a subject that is gone and is asked about nowhere any more. */
  drop(subject: Subject): void {
    for (const author of this.#ofSubjects.ofLeft(subject)) {
      this.#ofSubjects.delete(subject, author);
      this.#authors.release(author);
    }
  }

  #ask(place: Place, author: number): void {
    let asked = this.#asked.get(place);
    if (asked === undefined) {
      asked = new Map();
      this.#asked.set(place, asked);
    }
    const subjects = asked.get(author) ?? 0;
    asked.set(author, subjects + 1);
    if (subjects === 0) this.#changes.note(place, this.#topicOf(author), 'added');
  }

  #isAsked(place: Place, author: number): boolean {
    return this.#asked.get(place)?.has(author) === true;
  }

  #topicOf(author: number): Topic {
    return authorTopic(this.#authors.nameOf(author));
  }
}
