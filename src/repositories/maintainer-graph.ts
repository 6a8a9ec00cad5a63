import type { Announcement } from '../nostr/repository.js';
import { MaintainerGroup } from './maintainer-group.js';

const none: ReadonlySet<string> = new Set();

/**
 * The maintainers of all repositories, kept up to date one announcement at a time. The maintainer set of a
 * repository holds its author, the keys that the author names, those that these name in their own announcements of
 * the same identifier, and so on. An announcement with role tags only invites: who is named there belongs to the set once
 * their own announcement names its author in turn. Sets are walked on demand, without recursion: a cycle ends where it began,
 * nobody further away than `maintainerDepthMax` belongs to the set, and nobody who comes behind `maintainerNamesMax` names.
 */
export class MaintainerGraph {
  readonly #groups = new Map<string, MaintainerGroup>();

  /** Adds the announcement of an author, or replaces it. */
  set(
    identifier: string,
    author: string,
    announcement: Pick<Announcement, 'maintainers' | 'hasRoles'>,
  ): void {
    let group = this.#groups.get(identifier);
    if (group === undefined) {
      group = new MaintainerGroup();
      this.#groups.set(identifier, group);
    }
    group.set(author, announcement);
  }

  delete(identifier: string, author: string): void {
    const group = this.#groups.get(identifier);
    group?.delete(author);
    if (group?.isEmpty === true) this.#groups.delete(identifier);
  }

  /** Whether anybody announces a repository of that identifier. */
  has(identifier: string): boolean {
    return this.#groups.has(identifier);
  }

  /** Whether the key belongs to the maintainer set of any repository of that identifier. */
  isMaintainer(key: string, identifier: string): boolean {
    if (this.#groups.get(identifier)?.hasAuthor(key) === true) return true;
    for (const _ of this.appointersOf(identifier, key)) return true;
    return false;
  }

  /** The authors whose announcements name the key as maintainer, or invite it. */
  namersOf(identifier: string, key: string): Iterable<string> {
    return this.#groups.get(identifier)?.namersOf(key) ?? none;
  }

  /** Those of them who have made it maintainer: whose invitation it has accepted, where that is needed. */
  appointersOf(identifier: string, key: string): Iterable<string> {
    return this.#groups.get(identifier)?.appointersOf(key) ?? none;
  }

  /** The maintainer set of one repository, its author first; empty when it is not announced. */
  maintainersOf(identifier: string, author: string): ReadonlySet<string> {
    return this.#groups.get(identifier)?.maintainersOf(author) ?? none;
  }

  /** The authors of the repositories of that identifier whose maintainer set holds the key, of those that are wanted. */
  authorsMaintainedBy(
    identifier: string,
    key: string,
    isWanted: (author: string) => boolean = () => true,
  ): string[] {
    const group = this.#groups.get(identifier);
    if (group === undefined || !this.isMaintainer(key, identifier)) return [];
    return [...group.authors()].filter((author) => isWanted(author) && group.isMaintainedBy(author, key));
  }
}
