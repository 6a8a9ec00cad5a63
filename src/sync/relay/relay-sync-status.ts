import type { FailureClass } from '../../network/failure-class.js';
import type { ConnectionState } from './connection.js';
import type { RelayHealth } from './health.js';

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
