import type { RelayCounts, RelayReport, RepositoryReport } from '../../control/reports.js';
import type { GitDataSync } from '../../git-sync/git-data-sync.js';
import type { IncompleteRepository } from '../../git-sync/incomplete-repository.js';
import { secondMs } from '../../lib/clock.js';
import { npubOf } from '../../nostr/keys.js';
import type { RepositoryId } from '../../repositories/repository-directory.js';
import type { SyncManager } from '../../sync/manager.js';
import type { RelaySyncStatus } from '../../sync/relay/relay-sync-status.js';

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
  const { relay, connection, health, consecutiveFailures, lastFailure, queuedTopics, negentropy } = status;
  return {
    relay,
    connection,
    health,
    failures: consecutiveFailures,
    ...(lastFailure === undefined ? {} : { lastFailure }),
    ...(isConnected(status) ? {} : { retryInSeconds: Math.ceil(status.retryInMs / secondMs) }),
    queuedTopics,
    negentropy,
    ...(status.lastCompleteAt === undefined
      ? {}
      : { completeAsOf: isoTime(status.lastCompleteAt * secondMs) }),
  };
}

export function repositoryReport(
  { pubkey, identifier }: RepositoryId,
  gitSync: Pick<GitDataSync, 'of'>,
): RepositoryReport {
  const incomplete = gitSync.of({ pubkey, identifier });
  const lacks = incomplete === undefined ? undefined : lackOf(incomplete);
  return { owner: npubOf(pubkey), identifier, ...(lacks === undefined ? {} : { lacks }) };
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

function isConnected({ connection }: RelaySyncStatus): boolean {
  return connection === 'connected' || connection === 'updating';
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
