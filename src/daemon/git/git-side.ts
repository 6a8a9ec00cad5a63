import { setMaxListeners } from 'node:events';
import { resolve } from 'node:path';
import type { Registry } from 'prom-client';
import { AlignmentMetrics } from '../../alignment/alignment-metrics.js';
import { GitAlignment } from '../../alignment/git-alignment.js';
import { limits } from '../../config/limits.js';
import { BareRepositories } from '../../git/bare-repositories.js';
import { GitRunner } from '../../git/git-runner.js';
import { HelperGitStreams } from '../../git/git-streams.js';
import { RepositoryLocks } from '../../git/locks/repository-locks.js';
import { GitHelper } from '../../git/processes/helper-process.js';
import { RefChanges } from '../../git/ref-changes.js';
import { dayMs } from '../../lib/clock.js';
import type { ReleaseStack } from '../../lib/release-stack.js';
import { DiskUse } from '../../maintenance/disk-use.js';
import { Maintenance } from '../../maintenance/maintenance.js';
import { MaintenanceMetrics } from '../../maintenance/maintenance-metrics.js';
import type { Purgatory } from '../../purgatory/purgatory.js';
import type { RepositoryDirectory } from '../../repositories/repository-directory.js';
import type { OpenedStore } from '../../store/opened-store.js';
import type { Core } from '../core.js';
import type { DiskFloor } from '../disk-floor.js';
import type { CurrentOptions } from '../reload/current-options.js';
import { diskUseSettingsOf } from '../settings.js';
import type { Surroundings } from '../surroundings.js';
import { checkClosing } from './closing-check.js';
import { prsDiskUseSettingsOf, prsGauges } from './prs-settings.js';

/** What works on the repositories on disk. */
export type GitSide = Pick<
  Core,
  'git' | 'repositories' | 'streams' | 'refChanges' | 'locks' | 'maintenance' | 'prsDiskUse'
> & {
  readonly alignment: GitAlignment;
};

/** What the git side stands on. */
export type GitSideParts = Pick<OpenedStore, 'store'> & {
  readonly directory: RepositoryDirectory;
  readonly purgatory: Purgatory;
  readonly registry: Registry;
  readonly disk: DiskFloor;
  readonly closingAccepted: number;
};

/** Lets the repositories on disk follow the stored events until the stack is unwound. */
export async function startGitSide(
  current: CurrentOptions,
  { logger, clock, random }: Surroundings,
  { store, directory, purgatory, registry, disk, closingAccepted }: GitSideParts,
  stack: ReleaseStack,
): Promise<GitSide> {
  const options = current.now;
  const stop = new AbortController();
  // As many listeners as there is work under way: no leak.
  setMaxListeners(0, stop.signal);
  const helper = new GitHelper(stop.signal);
  const git = new GitRunner(clock, stop.signal, helper);
  const refChanges = new RefChanges();
  const repositories = new BareRepositories(resolve(options.gitDataPath), git);
  const streams = new HelperGitStreams(helper, clock);
  const locks = new RepositoryLocks();
  const prsDiskUse = options.grasp06Enable
    ? new DiskUse(
        current.settings((now) => prsDiskUseSettingsOf(now, disk)),
        registry,
        prsGauges,
      )
    : undefined;
  const maintenance = new Maintenance({
    repositories,
    git,
    streams,
    locks,
    diskUse: new DiskUse(
      current.settings((now) => diskUseSettingsOf(now, disk)),
      registry,
    ),
    prsDiskUse,
    hasRoomFor: (bytes) => disk.hasRoomFor(bytes),
    clock,
    metrics: new MaintenanceMetrics(registry),
    log: logger,
  });
  await repositories.open();
  await checkClosing(options, { directory, repositories }, closingAccepted);
  const alignment = new GitAlignment({
    directory,
    store,
    repositories,
    git,
    locks,
    refChanges,
    purgatory,
    clock,
    random,
    graceMs: () => current.now.repositoryGraceDays * dayMs,
    closedMax: limits.closedRepositoriesMax,
    metrics: new AlignmentMetrics(registry),
    onRemoved: (repository) => maintenance.removed(repository),
    log: logger,
  });
  const running = alignment.serve(stop.signal);
  stack.defer(async () => {
    stop.abort();
    await running;
  });
  return { alignment, git, repositories, streams, refChanges, locks, maintenance, prsDiskUse };
}
