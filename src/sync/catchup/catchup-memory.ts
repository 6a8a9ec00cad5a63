import type { CatchupBatch } from '../topics/topic-state.js';
import type { Capability } from './negentropy-probe.js';
import type { Pace } from './pace.js';
import type { PagingHabits } from './page-reader.js';
import type { Paging } from './paging.js';

/** What catch-up knows of one relay beyond a connection. */
export type CatchupMemory = {
  /** Where the paged filters of a batch are, so that one that was interrupted goes on there. */
  readonly pagings: WeakMap<CatchupBatch, Map<string, Paging>>;
  negentropy: Capability;
  paging: PagingHabits;
  pace: Pace;
  /** When everything there was to catch up with had been caught up, in wall-clock seconds. */
  lastCompleteAt: number | undefined;
};
