import { limits } from '../config/limits.js';
import type { MemoryHolder } from '../lib/memory-budget.js';
import type { Capability } from './capability.js';
import { CatchupQueue } from './catchup-queue.js';
import { RelayLedger } from './ledger.js';
import { LiveKinds } from './live-kinds.js';
import { fullPace, type Pace } from './pace.js';
import { type PagingHabits, unknownHabits } from './paging-habits.js';
import { newServingRecord, refreshed, type ServingRecord } from './receipts.js';
import { UnservedIds } from './unserved.js';

/** What is known of one relay beyond a connection: gone only with the process, or when the relay is tracked no more. */
export class RelayMemory implements Disposable {
  readonly ledger = new RelayLedger();
  readonly queue = new CatchupQueue();
  readonly liveKinds = new LiveKinds();
  readonly unserved: UnservedIds;
  serving: ServingRecord = newServingRecord(limits.downloadIdsMax);
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
    this.serving = refreshed(this.serving);
    this.paging = unknownHabits;
    this.negentropy = this.negentropy.type === 'unable' ? { type: 'untried' } : this.negentropy;
  }
}
