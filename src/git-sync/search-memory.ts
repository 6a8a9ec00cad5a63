import { exceeds } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import { TokenBucket } from '../lib/budgets/token-bucket.js';
import type { Clock } from '../lib/clock.js';
import { ServerRecords } from './server-records.js';

/** What is remembered of the searches for one repository when they are over, lest they begin as if nothing had been. */
export class SearchMemory {
  /** The looks that events of maintainers cause, and those of pull requests, which anybody may publish. */
  readonly looks: TokenBucket;
  readonly proposedLooks: TokenBucket;
  /** How servers have done that were asked for what states name, and for what only pull requests do. */
  readonly #records: ServerRecords;
  readonly #proposalRecords: ServerRecords;

  constructor(clock: Clock) {
    const { gitEventLooksPerMinute, gitEventLooksAtOnceMax } = limits;
    this.looks = new TokenBucket(clock, gitEventLooksPerMinute, gitEventLooksAtOnceMax);
    this.proposedLooks = new TokenBucket(clock, gitEventLooksPerMinute, gitEventLooksAtOnceMax);
    this.#records = new ServerRecords(clock);
    this.#proposalRecords = new ServerRecords(clock);
  }

  recordsOf({ isProposal }: { readonly isProposal: boolean }): ServerRecords {
    return isProposal ? this.#proposalRecords : this.#records;
  }
}

/** By repository; of too many, those are forgotten that were searched for the longest ago. */
export class SearchMemories {
  readonly #clock: Clock;
  readonly #memories = new Map<string, SearchMemory>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of(address: string): SearchMemory {
    const memory = this.#memories.get(address) ?? new SearchMemory(this.#clock);
    this.#memories.delete(address);
    this.#memories.set(address, memory);
    if (exceeds('gitSearchesRememberedMax', this.#memories.size)) {
      const [oldest] = this.#memories.keys();
      if (oldest !== undefined) this.#memories.delete(oldest);
    }
    return memory;
  }
}
