import { reaches } from '../../config/limit-use.js';
import type { NostrEvent } from '../../nostr/event.js';
import type { Filter } from '../../nostr/filter.js';
import { compileFilters } from '../../nostr/filter-match.js';

/** What came as the answer to one page. Only different events that match the question are counted. */
export type Page = {
  readonly count: number;
  /** Whether any of them is stored. */
  readonly isKept: boolean;
  readonly oldest: number;
  readonly newest: number;
  /** Whether they came newest first. */
  readonly sorted: boolean;
  /** Whether we ended it before the relay did. */
  readonly cut: boolean;
  /** The kinds and authors that were seen, at most a few. */
  readonly kinds: readonly number[];
  readonly authors: readonly string[];
};

/** How a relay was seen to answer pages: over all filters, for what one shows holds for the next. */
export type PagingHabits = {
  /** Whether `until` takes in its own second. Exclusive is what a relay seems to be until it sends something of it. */
  readonly until: 'unknown' | 'exclusive' | 'inclusive';
  /** The most events that it put into one page. */
  readonly largestPage: number;
  /** Whether it was seen to have more than it put into a page that was smaller than asked for. */
  readonly cutsPages: boolean;
};

export const unknownHabits: PagingHabits = { until: 'unknown', largestPage: 0, cutsPages: false };

/** What both know of the same relay. */
export function mergeHabits(a: PagingHabits, b: PagingHabits): PagingHabits {
  const either = (until: PagingHabits['until']) => a.until === until || b.until === until;
  return {
    until: either('inclusive') ? 'inclusive' : either('exclusive') ? 'exclusive' : 'unknown',
    largestPage: Math.max(a.largestPage, b.largestPage),
    cutsPages: a.cutsPages || b.cutsPages,
  };
}

/** What to ask the relay for so that this second is taken in. */
export function untilFor({ until }: PagingHabits, second: number): number {
  return until === 'exclusive' ? second + 1 : second;
}

/** Kinds and authors that one page is remembered by, to ask narrower questions. */
const seenMax = 200;

/** Reads the events of one page: which of them are answers, and how they came. */
export class PageReader {
  readonly #matches: (event: NostrEvent) => boolean;
  readonly #ids = new Set<string>();
  readonly #kinds = new Set<number>();
  readonly #authors = new Set<string>();
  #received = 0;
  #oldest = Number.POSITIVE_INFINITY;
  #newest = Number.NEGATIVE_INFINITY;
  #last = Number.POSITIVE_INFINITY;
  #sorted = true;
  #isKept = false;

  constructor(question: Filter) {
    this.#matches = compileFilters([question]);
  }

  /** Whether the remote sends more than a page can have. */
  get isOverflowing(): boolean {
    return reaches('pageOverflowEventsMax', this.#received);
  }

  /** Whether the event answers the question and came for the first time in this page. */
  take(event: NostrEvent): boolean {
    this.#received += 1;
    if (!this.#matches(event) || this.#ids.has(event.id)) return false;
    this.#ids.add(event.id);
    if (this.#kinds.size < seenMax) this.#kinds.add(event.kind);
    if (this.#authors.size < seenMax) this.#authors.add(event.pubkey);
    if (event.created_at > this.#last) this.#sorted = false;
    this.#last = event.created_at;
    this.#oldest = Math.min(this.#oldest, event.created_at);
    this.#newest = Math.max(this.#newest, event.created_at);
    return true;
  }

  /** One of the events is stored. */
  keep(): void {
    this.#isKept = true;
  }

  page(cut: boolean): Page {
    return {
      count: this.#ids.size,
      isKept: this.#isKept,
      oldest: this.#oldest,
      newest: this.#newest,
      sorted: this.#sorted,
      cut,
      kinds: [...this.#kinds],
      authors: [...this.#authors],
    };
  }
}
