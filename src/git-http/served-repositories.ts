import type { BareRepositories } from '../git/bare-repositories.js';
import type { RepositoryDirectory, RepositoryId } from '../repositories/repository-directory.js';

/** Finds the repositories that clients may reach. */
export class ServedRepositories {
  readonly #directory: Pick<RepositoryDirectory, 'isServed'>;
  readonly #repositories: BareRepositories;

  constructor(directory: Pick<RepositoryDirectory, 'isServed'>, repositories: BareRepositories) {
    this.#directory = directory;
    this.#repositories = repositories;
  }

  /** The folder of a repository that is served and open; `undefined` for all others. */
  async gitDirOf(repository: RepositoryId): Promise<string | undefined> {
    if (!this.#directory.isServed(repository)) return undefined;
    // An announcement may be stored a moment before its repository is made.
    if (!(await this.#repositories.exists(repository))) await this.#repositories.ensure(repository);
    else if ((await this.#repositories.closedSince(repository)) !== undefined) return undefined;
    return this.#repositories.pathOf(repository);
  }
}
