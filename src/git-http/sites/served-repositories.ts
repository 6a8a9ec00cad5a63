import type { BareRepositories } from '../../git/bare-repositories.js';
import type { RepositoryDirectory, RepositoryId } from '../../repositories/repository-directory.js';

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
    if (!(await this.#repositories.isOpen(repository))) {
      if (await this.#repositories.exists(repository)) return undefined;
      // An announcement may be stored a moment before its repository is made.
      await this.#repositories.ensure(repository);
    }
    return this.#repositories.pathOf(repository);
  }
}
