import { limits } from '../../config/limits.js';
import type { NostrEvent } from '../../nostr/event.js';
import type { Filter } from '../../nostr/filter.js';
import { compileFilters } from '../../nostr/filter-match.js';
import type { Page } from './paging.js';

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
    return this.#received >= limits.pageOverflowEventsMax;
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
