import type { Announcement } from '../../nostr/repository.js';
import { MaintainerWalks } from './maintainer-walks.js';
import { NamedKeys } from './named-keys.js';

/** Keys to ask about, as sets and maps have them. */
export type AskedKeys = Pick<ReadonlyMap<string, unknown>, 'size' | 'has' | 'keys'>;

/** The members of a maintainer set, as numbers, which hold until an announcement comes or goes. */
export type Members = Uint32Array;

/** The announcements of one identifier, and who maintains their repositories. */
export class MaintainerGroup {
  readonly #keys = new NamedKeys();
  readonly #walks = new MaintainerWalks(this.#keys);

  get isEmpty(): boolean {
    return this.#keys.isEmpty;
  }

  set(author: string, announcement: Pick<Announcement, 'maintainers' | 'hasRoles'>): void {
    this.#keys.set(author, announcement);
  }

  delete(author: string): void {
    this.#keys.delete(author);
  }

  /** Whether the key is of somebody who announces a repository. */
  hasAuthor(key: string): boolean {
    const number = this.#keys.numbers.of(key);
    return number !== undefined && this.#keys.isAuthor(number);
  }

  /** The authors whose announcements name the key as maintainer, or invite it. */
  *namersOf(key: string): Generator<string> {
    const number = this.#keys.numbers.of(key);
    if (number === undefined) return;
    for (const author of this.#keys.namersOf(number)) yield this.#keyOf(author);
  }

  /** Those of them who have made it maintainer: whose invitation it has accepted, where that is needed. */
  *appointersOf(key: string): Generator<string> {
    const number = this.#keys.numbers.of(key);
    if (number === undefined) return;
    for (const author of this.#keys.namersOf(number))
      if (this.#keys.appoints(author, number)) yield this.#keyOf(author);
  }

  /** The maintainer set of an author's repository, the author first. */
  membersOf(author: string): Members {
    const number = this.#keys.numbers.of(author);
    return number === undefined ? new Uint32Array() : this.#walks.membersOf(number);
  }

  /** Those members as keys. */
  keysOf(members: Members): Set<string> {
    return new Set(Array.from(members, (member) => this.#keyOf(member)));
  }

  /** Which of these keys are among the members. */
  keysAmong(members: Members, asked: AskedKeys): Set<string> {
    if (asked.size > members.length)
      return new Set(Array.from(members, (member) => this.#keyOf(member)).filter((key) => asked.has(key)));
    const numbers = [...asked.keys()].flatMap((key) => this.#keys.numbers.of(key) ?? []);
    return new Set(this.#walks.among(members, numbers).map((number) => this.#keyOf(number)));
  }

  /** The authors, of those that are wanted, whose maintainer set holds the key, as `MaintainerWalks.authorsWith`. */
  authorsWith(key: string, isWanted: (author: string) => boolean): string[] {
    const number = this.#keys.numbers.of(key);
    if (number === undefined) return [];
    return this.#walks
      .authorsWith(number, (author) => isWanted(this.#keyOf(author)))
      .map((author) => this.#keyOf(author));
  }

  #keyOf(number: number): string {
    return this.#keys.numbers.keyOf(number);
  }
}
