import { limits } from '../../config/limits.js';
import type { MemoryHolder } from '../../lib/budgets/memory-budget.js';
import type { CatchupMemory } from '../catchup/catchup-memory.js';
import type { Capability } from '../catchup/negentropy-probe.js';
import { fullPace, type Pace } from '../catchup/pace.js';
import { type PagingHabits, unknownHabits } from '../catchup/page-reader.js';
import type { Paging } from '../catchup/paging.js';
import { type FetchSizeEstimate, newFetchSizeEstimate, refreshed } from '../fetch/fetch-size-estimate.js';
import type { FetchMemory } from '../fetch/fetcher.js';
import { UnservedIds } from '../fetch/unserved.js';
import { LiveKinds } from '../live/live-kinds.js';
import type { CatchupBatch } from '../topics/topic-state.js';
import { TopicTable } from '../topics/topic-table.js';

/** What is known of one relay beyond a connection: gone only with the process, or when the relay is tracked no more. */
export class RelayMemory implements CatchupMemory, FetchMemory, Disposable {
  readonly topics = new TopicTable();
  readonly pagings = new WeakMap<CatchupBatch, Map<string, Paging>>();
  readonly liveKinds = new LiveKinds();
  readonly unserved: UnservedIds;
  fetchSize: FetchSizeEstimate = newFetchSizeEstimate(limits.downloadIdsMax);
  negentropy: Capability = { type: 'untried' };
  paging: PagingHabits = unknownHabits;
  pace: Pace = fullPace;
  /** When everything there was to catch up with had been caught up, in wall-clock seconds. */
  lastCompleteAt: number | undefined;

  /** `unservedMemory` gives the account of the ids that it did not serve (`UnservedIds`). */
  constructor(unservedMemory: (forget: () => void) => MemoryHolder) {
    this.unserved = new UnservedIds(limits.unservedIdsMax, unservedMemory);
  }

  [Symbol.dispose](): void {
    this.unserved[Symbol.dispose]();
  }

  /** The day is over: what the relay could not do is tried again. */
  startDay(): void {
    this.unserved.clear();
    this.fetchSize = refreshed(this.fetchSize);
    this.paging = unknownHabits;
    this.negentropy = this.negentropy.type === 'unable' ? { type: 'untried' } : this.negentropy;
  }
}
