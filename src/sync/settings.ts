import { limits } from '../config/limits.js';
import { dayMs, minuteMs, secondMs } from '../lib/clock.js';

/** The options of proactive sync (`NGIT_SYNC_*`), in the units that the code uses. */
export type SyncSettings = {
  /** URLs that the operator gave: trusted, tracked for ever, asked about everything that we serve. */
  readonly bootstrapRelays: readonly string[];
  /** Most relays of announcements that are connected to. */
  readonly relaysMax: number;
  /** Wait before the first connection to a relay. */
  readonly startupDelayMs: number;
  /** Upper end of the random wait that is added to the first connection and to every backoff. */
  readonly startupJitterMs: number;
  /** Wait between the batches of the daily catch-up. */
  readonly batchDelayMs: number;
  /** Wait between a reconnect and its catch-up. */
  readonly reconnectDelayMs: number;
  /** How far back the catch-up after a reconnect looks. */
  readonly reconnectLookbackMs: number;
  /** Most values in one filter. */
  readonly tagsPerFilterMax: number;
  /** Topics of one relay from which on it is asked for everything, if it is one for git collaboration. */
  readonly everythingTopicsMin: number;
  /** Filters on one connection above which its subscriptions are rebuilt. */
  readonly filtersPerConnectionMax: number;
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
  /** Unbroken failure after which a relay is dead. */
  readonly deadThresholdMs: number;
  /** Wait between the tries of a dead relay, and of one that refuses us. */
  readonly deadRetryMs: number;
  readonly negentropyDisabled: boolean;
  /** Whether URLs taken from events may lead into private address ranges. */
  readonly allowPrivateRelays: boolean;
  /** How long changes of the stored repositories and roots are gathered before they are acted on. */
  readonly batchWindowMs: number;
  /** Interval of the full catch-up. */
  readonly dailyIntervalMs: number;
  /** Offset between the daily catch-ups of two relays. */
  readonly dailyStaggerMs: number;
};

/** The defaults of the options (docs/configuration.md), and what is fixed (docs/sync.md §5). */
export const defaultSyncSettings: SyncSettings = {
  bootstrapRelays: [],
  relaysMax: limits.syncRelaysMax,
  startupDelayMs: 5 * secondMs,
  startupJitterMs: 2 * secondMs,
  batchDelayMs: minuteMs,
  reconnectDelayMs: 10 * secondMs,
  reconnectLookbackMs: 3 * dayMs,
  tagsPerFilterMax: 100,
  everythingTopicsMin: 300,
  filtersPerConnectionMax: 150,
  backoffBaseMs: 5 * secondMs,
  backoffMaxMs: 60 * minuteMs,
  deadThresholdMs: dayMs,
  deadRetryMs: dayMs,
  negentropyDisabled: false,
  allowPrivateRelays: false,
  batchWindowMs: 5 * secondMs,
  dailyIntervalMs: dayMs,
  dailyStaggerMs: 5 * minuteMs,
};
