import { exceeds, reaches } from '../../config/limit-use.js';
import { limits } from '../../config/limits.js';
import type { NamedKeys } from './named-keys.js';

const none = new Uint32Array();

/** Walks among who names whom, without recursion: a cycle ends where it began. */
export class MaintainerWalks {
  readonly #keys: NamedKeys;
  /** By number of a key: the last walk that came to it. */
  #reachedIn = new Uint32Array(8);
  #walks = 0;
  /** Names that walks from authors to a key have looked at. */
  #steps = 0;

  constructor(keys: NamedKeys) {
    this.#keys = keys;
  }

  /** The maintainer set of an author, nearest first, the author before all; empty for who announces nothing. */
  membersOf(author: number): Uint32Array {
    const keys = this.#keys;
    if (!keys.isAuthor(author)) return none;
    this.#beginWalk();
    this.#reach(author);
    const members = [author];
    let names = 0;
    let next = 0;
    for (let depth = 0; next < members.length && !reaches('maintainerDepthMax', depth); depth += 1) {
      for (const { length } = members; next < length; next += 1) {
        const by = members[next] as number;
        const named = keys.namedBy(by);
        names += named.length;
        if (exceeds('maintainerNamesMax', names)) return Uint32Array.from(members);
        for (const key of named) if (keys.appoints(by, key) && this.#reach(key)) members.push(key);
      }
    }
    return Uint32Array.from(members);
  }

  /**
   * The authors, of those that are wanted, whose maintainer set holds the key. One walk, back from the key, finds them all,
   * however many there are. Only where a set may end before the key, for so many come before it, is walked from its author
   * as well. All of it looks at a bounded number of names: whom that does not suffice for is among them, for strangers could
   * use it up, and keep others from being found. So they are no proof of a say: the set of the author is.
   */
  authorsWith(key: number, isWanted: (author: number) => boolean): number[] {
    const keys = this.#keys;
    const isWhole = this.#walkBack(key);
    const found = [...keys.authors()].filter(
      (author) => (!isWhole || this.#isReached(author)) && isWanted(author),
    );
    if (isWhole && keys.names <= limits.maintainerNamesMax) return found;
    const stepsMax = this.#steps + limits.governedNamesMax;
    return found.filter((author) => this.#steps >= stepsMax || this.#leadsTo(author, key));
  }

  /** Which of these keys are among the members. */
  among(members: Uint32Array, keys: Iterable<number>): number[] {
    this.#beginWalk();
    for (const member of members) this.#reach(member);
    return [...keys].filter((key) => this.#isReached(key));
  }

  /** Goes to all authors from whom the key can be reached, and to the key; whether those were all. */
  #walkBack(key: number): boolean {
    const keys = this.#keys;
    this.#beginWalk();
    this.#reach(key);
    const reached = [key];
    let names = 0;
    let next = 0;
    for (let depth = 0; next < reached.length && !reaches('maintainerDepthMax', depth); depth += 1) {
      for (const { length } = reached; next < length; next += 1) {
        const member = reached[next] as number;
        names += keys.namersCount(member);
        if (exceeds('governedNamesMax', names)) return false;
        for (const namer of keys.namersOf(member))
          if (keys.appoints(namer, member) && this.#reach(namer)) reached.push(namer);
      }
    }
    return true;
  }

  /**
   * Whether `membersOf` comes from the author to the key. It does with the first author that appoints the key, if the names of
   * all up to that one are not too many: so each is judged as soon as it is come to, and no further names are looked at.
   */
  #leadsTo(author: number, key: number): boolean {
    const keys = this.#keys;
    if (author === key) return true;
    this.#beginWalk();
    this.#reach(author);
    const authors = [author];
    let names = keys.namedBy(author).length;
    const isIn = (by: number) => keys.isNamedBy(key, by) && keys.appoints(by, key);
    if (names > limits.maintainerNamesMax || reaches('maintainerDepthMax', 0)) return false;
    if (isIn(author)) return true;
    let next = 0;
    for (let depth = 1; next < authors.length && !reaches('maintainerDepthMax', depth); depth += 1) {
      for (const { length } = authors; next < length; next += 1) {
        const by = authors[next] as number;
        for (const named of keys.namedBy(by)) {
          this.#steps += 1;
          if (!keys.isAuthor(named) || !keys.appoints(by, named) || !this.#reach(named)) continue;
          names += keys.namedBy(named).length;
          if (names > limits.maintainerNamesMax) return false;
          if (isIn(named)) return true;
          authors.push(named);
        }
      }
    }
    return false;
  }

  #beginWalk(): void {
    const { end } = this.#keys.numbers;
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
    if (this.#isReached(key)) return false;
    this.#reachedIn[key] = this.#walks;
    return true;
  }

  #isReached(key: number): boolean {
    return this.#reachedIn[key] === this.#walks;
  }
}
