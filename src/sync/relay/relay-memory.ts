import { limits } from '../../config/limits.js';
import type { MemoryHolder, Reservation } from '../../lib/budgets/memory-budget.js';
import type { CatchupMemory } from '../catchup/catchup-memory.js';
import type { Capability } from '../catchup/negentropy-probe.js';
import { fullPace, type Pace } from '../catchup/pace.js';
import { type PagingHabits, unknownHabits } from '../catchup/page-reader.js';
import type { Paging } from '../catchup/paging.js';
import { type FetchSizeEstimate, newFetchSizeEstimate, refreshed } from '../fetch/fetch-size-estimate.js';
import type { FetchMemory } from '../fetch/fetcher.js';
import { UnservedIds } from '../fetch/unserved.js';
import { heldTopicBytes } from '../held-memory.js';
import { LiveKinds } from '../live/live-kinds.js';
import type { CatchupBatch } from '../topics/topic-state.js';
import { TopicTable } from '../topics/topic-table.js';

/** The accounts of its memory: each is given with what is called when that goes to others. */
export type MemoryAccounts = {
  /** Of the ids that it did not serve (`UnservedIds`). */
  readonly unserved: (forget: () => void) => MemoryHolder;
  /** Of what is known of its topics. */
  readonly topics: (giveWay: () => void) => MemoryHolder;
  readonly onCrowded: () => void;
};

/** What is known of one relay beyond a connection: gone only with the process, or when the relay is tracked no more. */
export class RelayMemory implements CatchupMemory, FetchMemory, Disposable {
  topics = new TopicTable();
  readonly pagings = new WeakMap<CatchupBatch, Map<string, Paging>>();
  readonly liveKinds = new LiveKinds();
  readonly unserved: UnservedIds;
  fetchSize: FetchSizeEstimate = newFetchSizeEstimate(limits.downloadIdsMax);
  negentropy: Capability = { type: 'untried' };
  paging: PagingHabits = unknownHabits;
  pace: Pace = fullPace;
  /** When everything there was to catch up with had been caught up, in wall-clock seconds. */
  lastCompleteAt: number | undefined;

  /** Whether there is no room for what is known of its topics, so that they are to be forgotten. */
  isCrowded = false;
  readonly #accounts: MemoryAccounts;
  #topicsHolder: MemoryHolder;
  #topicsMemory: Reservation;

  constructor(accounts: MemoryAccounts) {
    this.#accounts = accounts;
    this.unserved = new UnservedIds(limits.unservedIdsMax, accounts.unserved);
    this.#topicsHolder = accounts.topics(() => this.#crowd());
    this.#topicsMemory = this.#topicsHolder.open();
  }

  /** Counts what is known of topics; where there is no room for it, `onCrowded` is told, once. */
  countTopics(): void {
    if (!this.isCrowded && !this.#topicsMemory.resize(this.topics.size * heldTopicBytes)) this.#crowd();
  }

  /** Nothing is known of any topic, as at first. */
  forgetTopics(): void {
    this.topics = new TopicTable();
    this.#topicsHolder[Symbol.dispose]();
    this.#topicsHolder = this.#accounts.topics(() => this.#crowd());
    this.#topicsMemory = this.#topicsHolder.open();
    this.isCrowded = false;
  }

  [Symbol.dispose](): void {
    this.unserved[Symbol.dispose]();
    this.#topicsHolder[Symbol.dispose]();
  }

  #crowd(): void {
    this.isCrowded = true;
    this.#accounts.onCrowded();
  }

  /** The day is over: what the relay could not do is tried again. */
  startDay(): void {
    this.unserved.clear();
    this.fetchSize = refreshed(this.fetchSize);
    this.paging = unknownHabits;
    this.negentropy = this.negentropy.type === 'unable' ? { type: 'untried' } : this.negentropy;
  }
}
