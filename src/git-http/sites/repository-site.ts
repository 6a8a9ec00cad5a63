import type { BareRepositories, PrsRepository, RepositoryKey } from '../../git/bare-repositories.js';
import { prsPathStart, prsTarget } from '../../repositories/prs-repositories.js';
import type { RepositoryId } from '../../repositories/repository-directory.js';
import { repositoryPathStart, repositoryTarget } from './repository-target.js';
import type { ServedRepositories } from './served-repositories.js';

/** Where clients reach the repositories of one sort. */
export type RepositorySite<Repository extends RepositoryKey> = {
  /** What every path there begins with. */
  readonly pathStart: string;
  /** The repository of a path, and what stands behind it, as it was sent; `undefined` for a path of none. */
  target(path: string): { readonly repository: Repository; readonly rest: string } | undefined;
  /** The folder that git reads of a repository; `undefined` for one that is not served. */
  gitDirOf(repository: Repository): Promise<string | undefined>;
  /** Whether a repository is served no longer as nobody pushed to it in time, while its author may come back. */
  hasLapsed(repository: Repository): boolean;
};

/** Announced repositories, at `/<npub>/<identifier>.git`. */
export function announcedSite(
  served: ServedRepositories,
  hasLapsed: (repository: RepositoryId) => boolean,
): RepositorySite<RepositoryId> {
  return {
    pathStart: repositoryPathStart,
    target(path) {
      const target = repositoryTarget(path);
      return target?.hasSuffix === true ? target : undefined;
    },
    gitDirOf: (repository) => served.gitDirOf(repository),
    hasLapsed,
  };
}

/**
 * Repositories of pull requests, at `/prs/<npub>/<identifier>.git` (GRASP-06): whoever reads one that is not on disk reads an
 * empty one.
 */
export function prsSite(repositories: BareRepositories): RepositorySite<PrsRepository> {
  return {
    pathStart: prsPathStart,
    target: prsTarget,
    async gitDirOf(repository) {
      const isThere = await repositories.exists(repository);
      return isThere ? repositories.pathOf(repository) : await repositories.emptyRepository();
    },
    hasLapsed: () => false,
  };
}
