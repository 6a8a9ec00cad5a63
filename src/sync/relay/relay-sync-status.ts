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
  readonly retryInMs: number;
  readonly liveSubscriptions: number;
  readonly liveFilters: number;
  readonly uncoveredTopics: number;
  readonly queuedTopics: number;
  readonly negentropy: 'untried' | 'works' | 'unable';
  /** Wall-clock seconds; as of then, everything of the relay is here. */
  readonly lastCompleteAt: number | undefined;
};
