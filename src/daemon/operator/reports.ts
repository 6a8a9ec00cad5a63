import type { CatchupReport, RelayCounts, RelayReport, RepositoryReport } from '../../control/reports.js';
import type { GitDataSync } from '../../git-sync/git-data-sync.js';
import type { IncompleteRepository } from '../../git-sync/incomplete-repository.js';
import { secondMs } from '../../lib/clock.js';
import { npubOf } from '../../nostr/keys.js';
import { repositoryAddress } from '../../nostr/repository.js';
import type { RepositoryDirectory, RepositoryId } from '../../repositories/repository-directory.js';
import type { SyncManager } from '../../sync/manager.js';
import type { RelaySyncStatus } from '../../sync/relay/relay-sync-status.js';
import type { CatchupProgress } from '../../sync/report/first-catchup.js';

export function relayCounts(sync: Pick<SyncManager, 'status'>): RelayCounts {
  const { relays } = sync.status();
  return {
    tracked: relays.length,
    connected: relays.filter(isConnected).length,
    dead: relays.filter(({ health }) => health === 'dead').length,
    complete: relays.filter(({ lastCompleteAt }) => lastCompleteAt !== undefined).length,
  };
}

export function relayReport(status: RelaySyncStatus): RelayReport {
  const { relay, connection, health, consecutiveFailures, lastFailure, lastConnectedAt } = status;
  const { liveFilters, queuedTopics, queuedDownloads, stored, gaps, negentropy } = status;
  return {
    relay,
    connection,
    health,
    failures: consecutiveFailures,
    ...(lastFailure === undefined ? {} : { lastFailure }),
    ...(lastConnectedAt === undefined ? {} : { lastConnected: isoTime(lastConnectedAt * secondMs) }),
    ...(isConnected(status) ? {} : { retryInSeconds: Math.ceil(status.retryInMs / secondMs) }),
    liveFilters,
    queuedTopics,
    queuedDownloads,
    stored,
    gaps,
    negentropy,
    ...(status.lastCompleteAt === undefined
      ? {}
      : { completeAsOf: isoTime(status.lastCompleteAt * secondMs) }),
  };
}

/** What a report on a repository is made from. */
export type RepositoryReportParts = {
  readonly directory: Pick<RepositoryDirectory, 'repositoryAt'>;
  readonly sync: Pick<SyncManager, 'completeSince'>;
  readonly gitSync: Pick<GitDataSync, 'of'>;
};

export function repositoryReport(
  { pubkey, identifier }: RepositoryId,
  { directory, sync, gitSync }: RepositoryReportParts,
): RepositoryReport {
  const relays = directory.repositoryAt(repositoryAddress(pubkey, identifier))?.relays ?? [];
  const complete = relays.filter((relay) => sync.completeSince(relay) !== undefined).length;
  const incomplete = gitSync.of({ pubkey, identifier });
  const lacks = incomplete === undefined ? undefined : lackOf(incomplete);
  return {
    owner: npubOf(pubkey),
    identifier,
    relays: { named: relays.length, complete },
    ...(lacks === undefined ? {} : { lacks }),
  };
}

export function catchupReport({ isOver, stored, expected, secondsLeft }: CatchupProgress): CatchupReport {
  return { isOver, stored, expected, ...(secondsLeft === undefined ? {} : { secondsLeft }) };
}

function lackOf({ missing, sinceMs, lastTryMs, nextTryMs, why }: IncompleteRepository) {
  return {
    ...(missing === undefined ? {} : { objects: missing }),
    since: isoTime(sinceMs),
    ...(lastTryMs === undefined ? {} : { lastTry: isoTime(lastTryMs) }),
    ...(nextTryMs === undefined ? {} : { nextTry: isoTime(nextTryMs) }),
    ...(why === undefined ? {} : { why }),
  };
}

export function isConnected({ connection }: RelaySyncStatus): boolean {
  return connection === 'connected' || connection === 'updating';
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
