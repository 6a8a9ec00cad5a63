import { limits } from '../config/limits.js';
import { SlicedLoop } from '../lib/turns/sliced-loop.js';
import { SlicedQueue } from '../lib/turns/sliced-queue.js';
import type { WorkTurns } from '../lib/turns/turn-scheduler.js';
import type { NostrEvent } from '../nostr/event.js';
import type { Filter } from '../nostr/filter.js';
import { filterKey } from '../store/filter-key.js';
import type { AdmissionOutcome, EventSource } from './admission.js';
import type { EventFailures } from './event-failures.js';
import { wrongSignature } from './judge.js';
import type { HotEvent } from './recent-rejects.js';
import type { Refusals, Revived, Taken } from './refusals.js';

export type RetryParts = {
  readonly refusals: Pick<Refusals, 'search' | 'takeOut'>;
  readonly failures: EventFailures;
  readonly submit: (event: NostrEvent, source: EventSource) => Promise<AdmissionOutcome>;
  readonly want: (ids: readonly string[], cause: NostrEvent | undefined) => void;
};

/** What is to be looked for among what was refused, and for what it lacked. */
type Wanted = { readonly filter: Filter; readonly cause: NostrEvent | undefined };

type Search = Wanted & { readonly found: ReturnType<Refusals['search']> };

/** Has another try at what was refused for want of an event, or of room. */
export class Retries {
  readonly #parts: RetryParts;
  /** What was too much for the turn in which its cause came, by filter: a search that is still to begin finds it for all causes. */
  readonly #waiting = new Map<string, Wanted>();
  #search: Search | undefined;
  readonly #searching: SlicedLoop;
  /** Each event is judged when it is tried, and one may bring back thousands. */
  readonly #trying: SlicedQueue;
  #isClosed = false;

  constructor(turns: WorkTurns, parts: RetryParts) {
    this.#parts = parts;
    this.#searching = new SlicedLoop(turns, () => this.#goOn());
    this.#trying = new SlicedQueue(turns);
  }

  /** Tries again what is at hand; what is not is asked for again, because of `cause`. */
  begin({ rest, ...taken }: Revived, cause?: NostrEvent): void {
    this.tryAgain(taken, cause);
    for (const filter of rest) this.#waiting.set(filterKey(filter), { filter, cause });
    if (rest.length > 0) this.#searching.begin();
  }

  /** The same, where there is no more to look for. */
  tryAgain({ atHand, gone }: Taken, cause?: NostrEvent): void {
    if (this.#isClosed) return;
    for (const hot of atHand) this.#trying.push(() => this.#retry(hot));
    this.#parts.want(gone, cause);
  }

  /** Nothing more is tried. */
  close(): void {
    this.#isClosed = true;
    this.#trying.clear();
  }

  /** With the search in hand, or the next; whether there may be more. */
  #goOn(): boolean {
    const search = this.#search ?? this.#begin();
    if (search === undefined || this.#isClosed) return false;
    this.#search = undefined;
    this.#parts.failures.attempt(search.cause?.id, () => {
      const { ids, isDone } = search.found.next({ visits: limits.revivedRowsAtOnceMax });
      if (!isDone) this.#search = search;
      this.tryAgain(this.#parts.refusals.takeOut(ids), search.cause);
    });
    return true;
  }

  #begin(): Search | undefined {
    for (const [key, wanted] of this.#waiting) {
      this.#waiting.delete(key);
      return { ...wanted, found: this.#parts.refusals.search(wanted.filter) };
    }
    return undefined;
  }

  /** A copy that was refused before its signature was checked may turn out forged: then a good one is wanted. */
  #retry({ event, source }: HotEvent): void {
    const { submit, want } = this.#parts;
    submit(event, source).then(
      (outcome) => {
        if (outcome === wrongSignature) want([event.id], event);
      },
      () => {
        // The daemon is stopping, or the store failed, which its own write reports.
      },
    );
  }
}
