import type { AnnouncedRepository } from './announced-repository.js';
import { type ByRepository, enter, leave } from './by-repository.js';
import type { RepositoryId } from './repository-directory.js';

/** The repositories whose announcements are stored; how many of them are served is kept, for there may be very many. */
export class AnnouncedRepositories {
  readonly #all: ByRepository<AnnouncedRepository> = new Map();
  #servedCount = 0;

  /** How many are served. */
  get servedCount(): number {
    return this.#servedCount;
  }

  at({ pubkey, identifier }: RepositoryId): AnnouncedRepository | undefined {
    return this.#all.get(identifier)?.get(pubkey);
  }

  /** Those with that identifier, by author. */
  named(identifier: string): ReadonlyMap<string, AnnouncedRepository> | undefined {
    return this.#all.get(identifier);
  }

  /** All that are served. Others may be entered and leave meanwhile. */
  *served(): IterableIterator<AnnouncedRepository> {
    for (const byAuthor of this.#all.values())
      for (const repository of byAuthor.values()) if (isServed(repository)) yield repository;
  }

  /** Enters one, in the place of the one that was there. */
  enter(repository: AnnouncedRepository): void {
    const known = this.at(repository);
    enter(this.#all, repository, repository);
    this.#servedCount += Number(isServed(repository)) - Number(isServed(known));
  }

  leave(repository: RepositoryId): void {
    this.#servedCount -= Number(isServed(this.at(repository)));
    leave(this.#all, repository);
  }
}

/** Whether a repository is hosted or archived here. */
export function isServed(repository: Pick<AnnouncedRepository, 'standing'> | undefined): boolean {
  return (repository?.standing ?? 'stranger') !== 'stranger';
}
