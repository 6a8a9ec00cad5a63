import type { SyncProgress } from '../topics/sync-progress.js';
import type { Capability } from './capability.js';
import type { CatchupQueue } from './catchup-queue.js';
import type { Pace } from './pace.js';
import type { PagingHabits } from './paging-habits.js';

/** What catch-up knows of one relay beyond a connection. */
export type CatchupMemory = {
  readonly progress: SyncProgress;
  readonly queue: CatchupQueue;
  negentropy: Capability;
  paging: PagingHabits;
  pace: Pace;
  /** When everything there was to catch up with had been caught up, in wall-clock seconds. */
  lastCompleteAt: number | undefined;
};
