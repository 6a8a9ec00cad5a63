import type { Clock } from '../lib/clock.js';
import type { Random } from '../lib/random.js';
import type { RepositoryId } from '../repositories/repository-directory.js';
import type { GitHosts } from './git-hosts.js';
import type { GitSyncMetrics } from './git-sync-metrics.js';
import type { MissingObject } from './missing-objects.js';
import type { FetchedObjects, GitRemote } from './remote.js';
import type { NamedServers } from './servers.js';

/** What git data sync needs of a logger: pino's shape, details first. */
export type GitSyncLog = {
  debug(details: object, message: string): void;
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
};

/** What git data sync stands on: in the daemon and in the simulation. */
export type GitDataSyncParts = {
  readonly remote: GitRemote;
  readonly hosts: GitHosts;
  /** What a repository lacks; `undefined` of one that is not served here. */
  readonly missing: (repository: RepositoryId) => Promise<readonly MissingObject[] | undefined>;
  /** Copies what there is of that from other repositories here; gives whether anything came. */
  readonly copyFromOthers: (repository: RepositoryId, missing: readonly MissingObject[]) => Promise<boolean>;
  /** Whom to ask for that, the best first. */
  readonly servers: (repository: RepositoryId, missing: readonly MissingObject[]) => Promise<NamedServers>;
  /**
   * Lets objects into their repository, and what waited for them follow; `isOfState`: whether a state names some of them.
   * Gives whether they are in: the repository may have gone meanwhile.
   */
  readonly arrive: (
    repository: RepositoryId,
    fetched: FetchedObjects,
    isOfState: boolean,
  ) => Promise<boolean>;
  /** Why nothing is fetched now, as for want of room on the disk. */
  readonly refusal: () => string | undefined;
  /** Fetches that run at once, at most. */
  readonly fetchesMax: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: GitSyncMetrics;
  readonly log: GitSyncLog;
};
