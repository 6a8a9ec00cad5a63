import { reaches } from '../config/limit-use.js';
import type { Announcement } from '../nostr/repository.js';

/** Who names whom as maintainer, among the announcements of one identifier. Both directions are kept. */
type Group = {
  /** By author of an announcement: the keys that it names. */
  readonly names: Map<string, readonly string[]>;
  /** By key: the authors of the announcements that name it. */
  readonly namedBy: Map<string, Set<string>>;
  /** Authors whose announcements only invite those whom they name. */
  readonly inviting: Set<string>;
};

const none: ReadonlySet<string> = new Set();

/**
 * The maintainers of all repositories, kept up to date one announcement at a time. The maintainer set of a
 * repository holds its author, the keys that the author names, those that these name in their own announcements of
 * the same identifier, and so on. An announcement with role tags only invites: who is named there belongs to the set once
 * their own announcement names its author in turn. Sets are walked on demand, in either direction, without recursion: a cycle ends
 * where it began, and nobody further away than `maintainerDepthMax` belongs to the set.
 */
export class MaintainerGraph {
  readonly #groups = new Map<string, Group>();

  /** Adds the announcement of an author, or replaces it. */
  set(
    identifier: string,
    author: string,
    { maintainers, hasRoles }: Pick<Announcement, 'maintainers' | 'hasRoles'>,
  ): void {
    this.delete(identifier, author);
    let group = this.#groups.get(identifier);
    if (group === undefined) {
      group = { names: new Map(), namedBy: new Map(), inviting: new Set() };
      this.#groups.set(identifier, group);
    }
    group.names.set(author, maintainers);
    if (hasRoles) group.inviting.add(author);
    for (const key of maintainers) {
      const authors = group.namedBy.get(key);
      if (authors === undefined) group.namedBy.set(key, new Set([author]));
      else authors.add(author);
    }
  }

  delete(identifier: string, author: string): void {
    const group = this.#groups.get(identifier);
    const maintainers = group?.names.get(author);
    if (group === undefined || maintainers === undefined) return;
    group.names.delete(author);
    group.inviting.delete(author);
    for (const key of maintainers) {
      const authors = group.namedBy.get(key);
      authors?.delete(author);
      if (authors?.size === 0) group.namedBy.delete(key);
    }
    if (group.names.size === 0) this.#groups.delete(identifier);
  }

  /** Whether anybody announces a repository of that identifier. */
  has(identifier: string): boolean {
    return this.#groups.has(identifier);
  }

  /** Whether the key belongs to the maintainer set of any repository of that identifier. */
  isMaintainer(key: string, identifier: string): boolean {
    const group = this.#groups.get(identifier);
    return group !== undefined && (group.names.has(key) || namersIn(group, key).length > 0);
  }

  /** The authors whose announcements name the key as maintainer, or invite it. */
  namersOf(identifier: string, key: string): ReadonlySet<string> {
    return this.#groups.get(identifier)?.namedBy.get(key) ?? none;
  }

  /** Those of them who have made it maintainer: whose invitation it has accepted, where that is needed. */
  appointersOf(identifier: string, key: string): readonly string[] {
    const group = this.#groups.get(identifier);
    return group === undefined ? [] : namersIn(group, key);
  }

  /** The maintainer set of one repository, its author first; empty when it is not announced. */
  maintainersOf(identifier: string, author: string): ReadonlySet<string> {
    const group = this.#groups.get(identifier);
    if (group?.names.has(author) !== true) return none;
    return walk(author, (key) => namedIn(group, key));
  }

  /** The authors of the repositories of that identifier whose maintainer set holds the key. */
  authorsMaintainedBy(identifier: string, key: string): string[] {
    const group = this.#groups.get(identifier);
    if (group === undefined) return [];
    const reached = walk(key, (current) => namersIn(group, current));
    return [...reached].filter((author) => group.names.has(author));
  }
}

/** The keys that an author has made maintainers. */
function namedIn(group: Group, author: string): readonly string[] {
  const named = group.names.get(author) ?? [];
  return group.inviting.has(author) ? named.filter((key) => accepts(group, key, author)) : named;
}

/** The authors who have made a key maintainer. */
function namersIn(group: Group, key: string): readonly string[] {
  const namers = [...(group.namedBy.get(key) ?? none)];
  return namers.filter((author) => !group.inviting.has(author) || accepts(group, key, author));
}

/** Whether the announcement of a key names the author who invited it. */
function accepts(group: Group, key: string, author: string): boolean {
  return group.namedBy.get(author)?.has(key) === true;
}

/** All that can be reached from `start`, nearest first, in at most `maintainerDepthMax` steps. */
function walk(start: string, next: (key: string) => Iterable<string>): ReadonlySet<string> {
  const reached = new Set([start]);
  let frontier = [start];
  for (let depth = 0; frontier.length > 0 && !reaches('maintainerDepthMax', depth); depth += 1) {
    const further: string[] = [];
    for (const key of frontier) {
      for (const neighbour of next(key)) {
        if (reached.has(neighbour)) continue;
        reached.add(neighbour);
        further.push(neighbour);
      }
    }
    frontier = further;
  }
  return reached;
}
