import { exceeds, reaches } from '../config/limit-use.js';
import type { Announcement } from '../nostr/repository.js';
import { KeyNumbers } from './key-numbers.js';

const none = new Uint32Array();

/**
 * Who names whom as maintainer among the announcements of one identifier, in both directions. Strangers may have very many of
 * these, with many names each: keys are numbers here, and a walk looks at a bounded number of names, nearest first.
 */
export class MaintainerGroup {
  readonly #numbers = new KeyNumbers();
  /** By author of an announcement: the keys that it names. */
  readonly #named = new Map<number, Uint32Array>();
  /** By key: the authors of the announcements that name it; most have one. */
  readonly #namers = new Map<number, number | Set<number>>();
  /** Authors whose announcements only invite those whom they name. */
  readonly #inviting = new Set<number>();
  /** By number of a key: the last walk that came to it. */
  #reachedIn = new Uint32Array(8);
  #walks = 0;

  get isEmpty(): boolean {
    return this.#named.size === 0;
  }

  set(author: string, { maintainers, hasRoles }: Pick<Announcement, 'maintainers' | 'hasRoles'>): void {
    this.delete(author);
    const by = this.#numbers.take(author);
    const named = Uint32Array.from(new Set(maintainers), (key) => this.#numbers.take(key));
    this.#named.set(by, named);
    if (hasRoles) this.#inviting.add(by);
    for (const key of named) this.#addNamer(key, by);
  }

  delete(author: string): void {
    const by = this.#numbers.of(author);
    const named = by === undefined ? undefined : this.#named.get(by);
    if (by === undefined || named === undefined) return;
    this.#named.delete(by);
    this.#inviting.delete(by);
    for (const key of named) {
      this.#deleteNamer(key, by);
      this.#numbers.release(key);
    }
    this.#numbers.release(by);
  }

  /** Whether the key is of somebody who announces a repository. */
  hasAuthor(key: string): boolean {
    const number = this.#numbers.of(key);
    return number !== undefined && this.#named.has(number);
  }

  *authors(): Generator<string> {
    for (const author of this.#named.keys()) yield this.#numbers.keyOf(author);
  }

  /** The authors whose announcements name the key as maintainer, or invite it. */
  *namersOf(key: string): Generator<string> {
    const number = this.#numbers.of(key);
    if (number === undefined) return;
    for (const author of this.#namersOf(number)) yield this.#numbers.keyOf(author);
  }

  /** Those of them who have made it maintainer: whose invitation it has accepted, where that is needed. */
  *appointersOf(key: string): Generator<string> {
    const number = this.#numbers.of(key);
    if (number === undefined) return;
    for (const author of this.#namersOf(number))
      if (this.#appoints(author, number)) yield this.#numbers.keyOf(author);
  }

  /** The maintainer set of an author's repository, the author first. */
  maintainersOf(author: string): Set<string> {
    const reached = new Set<string>();
    this.#walk(author, (key) => {
      reached.add(this.#numbers.keyOf(key));
      return false;
    });
    return reached;
  }

  /** Whether the key is in the maintainer set of an author's repository. */
  isMaintainedBy(author: string, key: string): boolean {
    const wanted = this.#numbers.of(key);
    return wanted !== undefined && this.#walk(author, (reached) => reached === wanted);
  }

  /** Goes from an author to all that can be reached, nearest first, until one is found; whether one was. */
  #walk(author: string, isFound: (key: number) => boolean): boolean {
    const start = this.#numbers.of(author);
    if (start === undefined || !this.#named.has(start)) return false;
    this.#beginWalk();
    this.#reach(start);
    if (isFound(start)) return true;
    let frontier = [start];
    let namesLookedAt = 0;
    for (let depth = 0; frontier.length > 0 && !reaches('maintainerDepthMax', depth); depth += 1) {
      const further: number[] = [];
      for (const by of frontier) {
        const named = this.#named.get(by) ?? none;
        namesLookedAt += named.length;
        if (exceeds('maintainerNamesMax', namesLookedAt)) return false;
        for (const key of named) {
          if (!this.#appoints(by, key) || !this.#reach(key)) continue;
          if (isFound(key)) return true;
          further.push(key);
        }
      }
      frontier = further;
    }
    return false;
  }

  #beginWalk(): void {
    const { end } = this.#numbers;
    if (this.#reachedIn.length < end) {
      this.#reachedIn = new Uint32Array(2 * end);
      this.#walks = 0;
    }
    this.#walks += 1;
    // What walks long ago left behind must not be taken for this one's.
    if (this.#walks === 2 ** 32) {
      this.#reachedIn.fill(0);
      this.#walks = 1;
    }
  }

  /** Whether the walk comes to the key for the first time. */
  #reach(key: number): boolean {
    if (this.#reachedIn[key] === this.#walks) return false;
    this.#reachedIn[key] = this.#walks;
    return true;
  }

  /** Whether an author who names a key has made it maintainer. */
  #appoints(author: number, key: number): boolean {
    if (!this.#inviting.has(author)) return true;
    const namers = this.#namers.get(author);
    return typeof namers === 'number' ? namers === key : namers?.has(key) === true;
  }

  #namersOf(key: number): Iterable<number> {
    const namers = this.#namers.get(key);
    return typeof namers === 'number' ? [namers] : (namers ?? []);
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
