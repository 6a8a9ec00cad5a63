import { backgroundTurns } from '../../config/background-turns.js';
import { limits } from '../../config/limits.js';
import { withTimeLimit } from '../../lib/abort.js';
import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';
import type { EventStore } from '../event-store.js';
import type { EventIndex } from '../index/event-index.js';
import type { Journal } from '../journal.js';
import type { LogSize } from '../log/compaction.js';
import type { LogTarget } from '../log/log-target.js';
import { assembleStore, type StoreOptions, type StoreStats } from '../opened-store.js';
import { Reasons } from '../refused/reasons.js';
import { FollowedChanges } from './followed-changes.js';
import { FollowingBackend } from './following-backend.js';
import { type Followed, LogFollower, type TailTimes } from './log-follower.js';
import type { LogTail } from './log-tail.js';

/**
 * The events that another process writes, as far as was read of its log: they are read here, and nothing is written. Disposing
 * of it, or of its store, leaves a snapshot for the next opening, to follow or to write.
 */
export type FollowedStore = AsyncDisposable & {
  /**
   * What changes it throws `StoreError` (`store_follows`), but for `removeExpired`. What has expired is in no answer by our own
   * clock, and told by `removeExpired` then; the writer's record of the same tells nothing more.
   */
  readonly store: EventStore;
  readonly journal: Pick<Journal, 'entries'>;
  /**
   * Takes over the next piece of what was written since the last time, and gives what came and what left: each event once, and
   * none that left before it was read. Observers of the store are told of each as it is taken over. One call runs at a time;
   * all that are made meanwhile are given what one more finds.
   *
   * Rejects with `StoreError`: `store_left_behind` when what was missed was merged away by compaction, is missing, or the
   * database was set back (to be opened anew); `store_newer_schema`; else retryable ones, as when the database is away.
   */
  advance(): Promise<Followed>;
  /** For metrics. */
  stats(): StoreStats;
};

/** A log that another process writes, and the index that was built of it. */
export type OpenedLog = {
  readonly tail: LogTail;
  /** For whoever asks the store. */
  readonly reading: Pick<LogTarget, 'bodies' | 'journal'>;
  readonly index: EventIndex;
  readonly size: LogSize;
  /** Writes the index as it is, which does not change any more. */
  readonly snapshot: () => Promise<void>;
  /** Lets go of the database. */
  readonly release: () => Promise<void>;
};

export type FollowOptions = StoreOptions & {
  /** Those in which what was read is taken over; by default those of what other relays send. */
  readonly turns?: WorkTurns;
  /** Told of each piece of the log that had something, what it took. */
  readonly onTailed?: (times: TailTimes) => void;
};

/** A store over a log that another process writes. */
export function followLog(log: OpenedLog, options: FollowOptions): FollowedStore {
  const { tail, reading, index, size, snapshot, release } = log;
  const { clock, onFault, onTailed = () => {} } = options;
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= closeOnce();
    return closing;
  };
  const backend = new FollowingBackend(reading, size, close);
  const parts = { index, backend, reasons: new Reasons(), clock };
  const turns = options.turns ?? backgroundTurns(clock, 'catch-up');
  const changes = new FollowedChanges(parts, turns);
  const follower = new LogFollower({ tail, index, changes, size, turns, clock, onTailed });
  const closeOnce = async (): Promise<void> => {
    await follower.close();
    try {
      if (follower.isLeftBehind) return;
      changes.settle();
      await recount();
      await snapshot();
    } finally {
      await release();
    }
  };
  /** Only the writer knows what its compaction did away with; and it takes for true what a snapshot says. */
  const recount = async (): Promise<void> => {
    const counting = tail.sizeThrough(size.last.number);
    const counted = withTimeLimit(clock, 'counting the log', limits.databaseWaitMsMax, counting);
    Object.assign(size, await counted.catch(() => ({})));
  };
  const assembled = assembleStore(
    parts,
    {
      ...options,
      // The row goes when the log says so; and a body that is gone went with what is not read yet.
      keepsFaulty: true,
      onFault: (event) => {
        if (event.fault !== 'missing') onFault?.(event);
      },
    },
    changes,
  );
  return {
    store: assembled.store,
    journal: assembled.journal,
    advance: () => follower.advance(),
    stats: assembled.stats,
    [Symbol.asyncDispose]: () => backend.close(),
  };
}
