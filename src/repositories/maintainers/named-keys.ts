import type { Announcement } from '../../nostr/repository.js';
import { KeyNumbers } from './key-numbers.js';

const none = new Uint32Array();

/**
 * Who names whom as maintainer among the announcements of one identifier, in both directions. Strangers may have very many of
 * these, with many names each: keys are numbers here.
 */
export class NamedKeys {
  readonly numbers = new KeyNumbers();
  /** By author of an announcement: the keys that it names. */
  readonly #named = new Map<number, Uint32Array>();
  /** By key: the authors of the announcements that name it; most have one. */
  readonly #namers = new Map<number, number | Set<number>>();
  /** Authors whose announcements only invite those whom they name. */
  readonly #inviting = new Set<number>();
  #names = 0;

  get isEmpty(): boolean {
    return this.#named.size === 0;
  }

  /** How many names all announcements have together. */
  get names(): number {
    return this.#names;
  }

  set(author: string, { maintainers, hasRoles }: Pick<Announcement, 'maintainers' | 'hasRoles'>): void {
    this.delete(author);
    const by = this.numbers.take(author);
    const named = Uint32Array.from(new Set(maintainers), (key) => this.numbers.take(key));
    this.#named.set(by, named);
    this.#names += named.length;
    if (hasRoles) this.#inviting.add(by);
    for (const key of named) this.#addNamer(key, by);
  }

  delete(author: string): void {
    const by = this.numbers.of(author);
    const named = by === undefined ? undefined : this.#named.get(by);
    if (by === undefined || named === undefined) return;
    this.#named.delete(by);
    this.#names -= named.length;
    this.#inviting.delete(by);
    for (const key of named) {
      this.#deleteNamer(key, by);
      this.numbers.release(key);
    }
    this.numbers.release(by);
  }

  /** Those who announce a repository. */
  authors(): IterableIterator<number> {
    return this.#named.keys();
  }

  isAuthor(key: number): boolean {
    return this.#named.has(key);
  }

  /** The keys that the announcement of an author names, or invites. */
  namedBy(author: number): Uint32Array {
    return this.#named.get(author) ?? none;
  }

  /** The authors whose announcements name the key, or invite it. */
  namersOf(key: number): Iterable<number> {
    const namers = this.#namers.get(key);
    return typeof namers === 'number' ? [namers] : (namers ?? []);
  }

  /** How many those are. */
  namersCount(key: number): number {
    const namers = this.#namers.get(key);
    return typeof namers === 'number' ? 1 : (namers?.size ?? 0);
  }

  /** Whether the announcement of an author names the key, or invites it. */
  isNamedBy(key: number, author: number): boolean {
    const namers = this.#namers.get(key);
    return typeof namers === 'number' ? namers === author : namers?.has(author) === true;
  }

  /** Whether an author who names a key has made it maintainer: an invitation has to be accepted. */
  appoints(author: number, key: number): boolean {
    return !this.#inviting.has(author) || this.isNamedBy(author, key);
  }

  #addNamer(key: number, author: number): void {
    const namers = this.#namers.get(key);
    if (namers === undefined) this.#namers.set(key, author);
    else if (typeof namers === 'number') this.#namers.set(key, new Set([namers, author]));
    else namers.add(author);
  }

  #deleteNamer(key: number, author: number): void {
    const namers = this.#namers.get(key);
    if (namers === undefined) return;
    if (typeof namers !== 'number') namers.delete(author);
    if (typeof namers === 'number' || namers.size === 0) this.#namers.delete(key);
  }
}
