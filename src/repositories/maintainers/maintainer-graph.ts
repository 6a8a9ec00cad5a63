import type { Announcement } from '../../nostr/repository.js';
import type { RepositoryId } from '../repository-directory.js';
import { KeptAnswers } from './kept-answers.js';
import { type AskedKeys, MaintainerGroup, type Members } from './maintainer-group.js';

const none: ReadonlySet<string> = new Set();

/** The announcements of one identifier; `version` is another one after each change. */
type VersionedGroup = { readonly group: MaintainerGroup; version: number };

/**
 * The maintainers of all repositories, kept up to date one announcement at a time. The maintainer set of a
 * repository holds its author, the keys that the author names, those that these name in their own announcements of
 * the same identifier, and so on. An announcement with role tags only invites: who is named there belongs to the set once
 * their own announcement names its author in turn. Nobody further away than `maintainerDepthMax` belongs to the set, and nobody
 * who comes behind `maintainerNamesMax` names. Sets are found on demand, and kept until an announcement of their identifier
 * comes or goes: one event has the same ones asked for many times.
 */
export class MaintainerGraph {
  readonly #isServed: (repository: RepositoryId) => boolean;
  readonly #groups = new Map<string, VersionedGroup>();
  readonly #members = new KeptAnswers<Members>();
  readonly #maintained = new KeptAnswers<readonly string[]>();
  #changes = 0;

  /** Where the answer of `isServed` becomes another one, `onServingChanged` is to be called. */
  constructor(isServed: (repository: RepositoryId) => boolean = () => true) {
    this.#isServed = isServed;
  }

  /** Adds the announcement of an author, or replaces it. */
  set(
    identifier: string,
    author: string,
    announcement: Pick<Announcement, 'maintainers' | 'hasRoles'>,
  ): void {
    const known = this.#groups.get(identifier);
    const versioned = known ?? { group: new MaintainerGroup(), version: 0 };
    if (known === undefined) this.#groups.set(identifier, versioned);
    versioned.group.set(author, announcement);
    this.#changed(versioned);
  }

  delete(identifier: string, author: string): void {
    const versioned = this.#groups.get(identifier);
    if (versioned === undefined) return;
    versioned.group.delete(author);
    this.#changed(versioned);
    if (versioned.group.isEmpty) this.#groups.delete(identifier);
  }

  /** Whether a repository of that identifier is served may have become another answer. */
  onServingChanged(identifier: string): void {
    const versioned = this.#groups.get(identifier);
    if (versioned !== undefined) this.#changed(versioned);
  }

  /** Whether anybody announces a repository of that identifier. */
  has(identifier: string): boolean {
    return this.#groups.has(identifier);
  }

  /** Whether the key belongs to the maintainer set of any repository of that identifier. */
  isMaintainer(key: string, identifier: string): boolean {
    if (this.#groups.get(identifier)?.group.hasAuthor(key) === true) return true;
    for (const _ of this.appointersOf(identifier, key)) return true;
    return false;
  }

  /** The authors whose announcements name the key as maintainer, or invite it. */
  namersOf(identifier: string, key: string): Iterable<string> {
    return this.#groups.get(identifier)?.group.namersOf(key) ?? none;
  }

  /** Those of them who have made it maintainer: whose invitation it has accepted, where that is needed. */
  appointersOf(identifier: string, key: string): Iterable<string> {
    return this.#groups.get(identifier)?.group.appointersOf(key) ?? none;
  }

  /** The maintainer set of one repository, its author first; empty when it is not announced. */
  maintainersOf({ pubkey, identifier }: RepositoryId): ReadonlySet<string> {
    const versioned = this.#groups.get(identifier);
    if (versioned === undefined) return none;
    return versioned.group.keysOf(this.#membersOf(versioned, { pubkey, identifier }));
  }

  /** Which of these keys the maintainer set of one repository holds: the set itself is not made. */
  maintainersAmong({ pubkey, identifier }: RepositoryId, asked: AskedKeys): ReadonlySet<string> {
    const versioned = this.#groups.get(identifier);
    if (versioned === undefined || asked.size === 0) return none;
    return versioned.group.keysAmong(this.#membersOf(versioned, { pubkey, identifier }), asked);
  }

  /**
   * The authors of the served repositories of that identifier whose maintainer set holds the key. Of so many that not all can be
   * looked at, others as well: who lets a key have a say asks for the set of the repository.
   */
  authorsMaintainedBy(identifier: string, key: string): readonly string[] {
    const versioned = this.#groups.get(identifier);
    if (versioned === undefined || !this.isMaintainer(key, identifier)) return [];
    const { group, version } = versioned;
    return this.#maintained.of(questionOf({ pubkey: key, identifier }), version, () =>
      group.authorsWith(key, (pubkey) => this.#isServed({ pubkey, identifier })),
    );
  }

  #membersOf({ group, version }: VersionedGroup, repository: RepositoryId): Members {
    return this.#members.of(questionOf(repository), version, () => group.membersOf(repository.pubkey));
  }

  #changed(versioned: VersionedGroup): void {
    this.#changes += 1;
    versioned.version = this.#changes;
  }
}

function questionOf({ pubkey, identifier }: RepositoryId): string {
  return `${pubkey}:${identifier}`;
}
