import { type Clock, secondMs } from '../../lib/clock.js';
import type { FailureClass } from '../../network/failure-class.js';
import type { ConnectionState } from './connection.js';
import type { RelayHealth } from './health.js';
import type { RelayMemory } from './relay-memory.js';
import type { SyncContext } from './sync-context.js';

/** One tracked relay, as an operator sees it. Times are milliseconds ago or ahead, or wall-clock seconds. */
export type RelaySyncStatus = {
  readonly relay: string;
  readonly connection: ConnectionState['type'];
  readonly health: RelayHealth['status']['type'];
  readonly consecutiveFailures: number;
  readonly lastFailure: FailureClass | undefined;
  /** When it was connected the last time, in wall-clock seconds. */
  readonly lastConnectedAt: number | undefined;
  readonly retryInMs: number;
  readonly liveSubscriptions: number;
  readonly liveFilters: number;
  readonly uncoveredTopics: number;
  readonly queuedTopics: number;
  /** Ids that wait to be asked for. */
  readonly queuedDownloads: number;
  /** Events that it brought and that were newly stored, and those of them that live sync should have brought. */
  readonly stored: number;
  readonly gaps: number;
  readonly negentropy: 'untried' | 'works' | 'unable';
  /** Wall-clock seconds; as of then, everything of the relay is here. */
  readonly lastCompleteAt: number | undefined;
};

/** What happens on the connection to a relay, as numbers. */
type SessionCounts = Pick<
  RelaySyncStatus,
  'liveSubscriptions' | 'liveFilters' | 'uncoveredTopics' | 'queuedDownloads'
>;

/** What is known of a relay that is followed; without a `session` it is not connected. */
export type FollowedRelay = {
  readonly relay: string;
  readonly connection: ConnectionState;
  readonly health: RelayHealth;
  readonly memory: RelayMemory;
  readonly session: SessionCounts | undefined;
};

/** How a relay stands now. */
export function relaySyncStatus(
  { clock, metrics }: Pick<SyncContext, 'clock' | 'metrics'>,
  { relay, connection, health, memory, session }: FollowedRelay,
): RelaySyncStatus {
  return {
    relay,
    connection: connection.type,
    health: health.status.type,
    consecutiveFailures: health.consecutiveFailures,
    lastFailure: health.lastFailure,
    lastConnectedAt: lastConnectedAt(health, clock),
    retryInMs: session === undefined ? Math.max(0, health.nextRetryAt - clock.monotonic()) : 0,
    liveSubscriptions: session?.liveSubscriptions ?? 0,
    liveFilters: session?.liveFilters ?? 0,
    uncoveredTopics: session?.uncoveredTopics ?? 0,
    queuedTopics: memory.topics.catchup.dueTopics,
    queuedDownloads: session?.queuedDownloads ?? 0,
    ...metrics.relays.broughtBy(relay),
    negentropy: memory.negentropy.type,
    lastCompleteAt: memory.lastCompleteAt,
  };
}

function lastConnectedAt({ lastSuccessAt }: RelayHealth, clock: Clock): number | undefined {
  if (lastSuccessAt === undefined) return undefined;
  return Math.round((clock.now() - (clock.monotonic() - lastSuccessAt)) / secondMs);
}
