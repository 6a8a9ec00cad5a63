import { backgroundTurns } from '../../config/background-turns.js';
import { limits } from '../../config/limits.js';
import { announcementsOf } from '../../git-sync/announcements.js';
import { GitDataSync } from '../../git-sync/git-data-sync.js';
import { GitHosts } from '../../git-sync/git-hosts.js';
import { GitSyncMetrics } from '../../git-sync/git-sync-metrics.js';
import { missingObjects } from '../../git-sync/missing-objects.js';
import { HttpGitRemote } from '../../git-sync/remote/http-git-remote.js';
import type { GitRemote } from '../../git-sync/remote.js';
import { serversFor } from '../../git-sync/servers.js';
import { concernedRepositories } from '../../hosting/concerned-repositories.js';
import type { Promotion } from '../../hosting/promotion/promotion.js';
import type { NostrEvent } from '../../nostr/event.js';
import { isPullRequest } from '../../repositories/pull-request.js';
import type { SyncManager } from '../../sync/manager.js';
import type { Core } from '../core.js';
import type { CurrentOptions } from '../reload/current-options.js';
import { fetchedPackLimitsOf, gitSyncSettingsOf, ownServiceOf } from '../settings.js';
import type { Surroundings } from '../surroundings.js';
import { roomOf } from './room.js';

/** What git data sync stands on, beside the core. */
export type GitSyncGround = {
  readonly promotion: Promotion;
  readonly sync: Pick<SyncManager, 'isFailing'>;
  readonly remote: GitRemote;
};

/** The way to git servers, as the operator lets it lead. */
export function createGitRemote(core: Core, current: CurrentOptions, { clock }: Surroundings): HttpGitRemote {
  const options = current.now;
  return new HttpGitRemote({
    ...core,
    clock,
    allowPrivate: options.syncAllowPrivateRelays,
    onionProxy: options.onionProxy,
    packLimits: current.settings(fetchedPackLimitsOf),
    ...roomOf(core, current),
  });
}

/** Fetches the git data that repositories of a core lack, until the signal aborts. */
export function createGitSync(
  core: Core,
  current: CurrentOptions,
  { clock, random, logger }: Surroundings,
  { promotion, sync, remote }: GitSyncGround,
  signal: AbortSignal,
): GitDataSync {
  const { admission, alignment, directory, disk, registry } = core;
  const ownService = ownServiceOf(current.now);
  const settings = current.settings(gitSyncSettingsOf);
  const turns = backgroundTurns(clock, 'care');
  const gitSync = new GitDataSync(
    {
      remote,
      hosts: new GitHosts(clock, {
        get fetchesPerMinuteMax() {
          return settings.hostFetchesPerMinuteMax;
        },
        isFailingRelay: (host) => sync.isFailing(host),
      }),
      missing: async (repository) =>
        directory.isServed(repository) ? await missingObjects(core, repository) : undefined,
      copyFromOthers: async (repository, missing) => {
        const isAny = await promotion.copyFromOthers(repository, missing);
        if (isAny) alignment.objectsArrived(repository);
        return isAny;
      },
      servers: async (repository, missing) =>
        serversFor(await announcementsOf(core, repository), missing, {
          isOwn: (url) => ownService.isNamedBy(url),
          random,
          turns,
        }),
      arrive: async (repository, fetched, isOfState) => {
        const isIn = await promotion.takeIn(repository, isOfState, () => fetched.moveIn());
        // One whose folder was lost is made anew.
        alignment.objectsArrived(repository);
        return isIn;
      },
      refusal: () => (disk.isLow ? 'the disk is full up to --disk-floor-mb' : undefined),
      get fetchesMax() {
        return settings.fetchesMax;
      },
      clock,
      random,
      metrics: new GitSyncMetrics(registry, clock),
      log: logger,
    },
    signal,
  );
  alignment.onIncomplete((repository) => gitSync.lacks(repository));
  // Where something lacks already there may be a new server, or more that is named.
  admission.feed.onAccepted(({ event, stored }) => {
    if (!stored) return;
    for (const repository of concernedRepositories(directory, event)) {
      if (gitSync.of(repository) !== undefined) {
        gitSync.mayLack(repository, limits.gitSyncedDelayMs, !isPullRequest(event));
      }
    }
  });
  return gitSync;
}

/** Lets whoever holds an event know whether its git data is here, and has it fetched where it is not. */
export function examineHeld(core: Core, promotion: Promotion, gitSync: GitDataSync): void {
  core.examineWith({
    async examine(event) {
      const found = await promotion.examine(event);
      if (found === 'waits') fetchFor(core, gitSync, event);
      return found;
    },
    onRefused: (event) => promotion.refused(event),
  });
}

/** Has git data sync look for what a held event waits for: whoever submitted it is about to push that, or it is elsewhere. */
export function fetchFor({ directory }: Core, gitSync: GitDataSync, event: NostrEvent): void {
  for (const repository of concernedRepositories(directory, event)) {
    gitSync.mayLack(repository, limits.gitSubmittedDelayMs, !isPullRequest(event));
  }
}
