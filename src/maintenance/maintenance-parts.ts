import type { BareRepositories } from '../git/bare-repositories.js';
import type { Git } from '../git/git-command.js';
import type { GitStreams } from '../git/git-streams.js';
import type { RepositoryLocks } from '../git/locks/repository-locks.js';
import type { Clock } from '../lib/clock.js';
import type { DiskUse } from './disk-use.js';
import type { MaintenanceMetrics } from './maintenance-metrics.js';

/** What the care of repositories needs of a logger: pino's shape, details first. */
export type MaintenanceLog = {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
};

export type MaintenanceParts = {
  readonly repositories: BareRepositories;
  readonly git: Git;
  readonly streams: GitStreams;
  readonly locks: RepositoryLocks;
  /** What announced repositories take. */
  readonly diskUse: DiskUse;
  /** What those of pull requests take (GRASP-06); without it those are not looked at. */
  readonly prsDiskUse?: DiskUse | undefined;
  /** Whether so many bytes may be written to the disk. */
  readonly hasRoomFor: (bytes: number) => boolean;
  readonly clock: Clock;
  readonly metrics: MaintenanceMetrics;
  readonly log: MaintenanceLog;
};
