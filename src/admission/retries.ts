import { SlicedQueue } from '../lib/turns/sliced-queue.js';
import type { WorkTurns } from '../lib/turns/turn-scheduler.js';
import type { NostrEvent } from '../nostr/event.js';
import type { Filter } from '../nostr/filter.js';
import type { AdmissionOutcome, EventSource } from './admission.js';
import type { EventFailures } from './event-failures.js';
import { wrongSignature } from './judge.js';
import type { HotEvent } from './recent-rejects.js';
import type { Refusals, Revived } from './refusals.js';

export type RetryParts = {
  readonly refusals: Pick<Refusals, 'reviveMore'>;
  readonly failures: EventFailures;
  readonly submit: (event: NostrEvent, source: EventSource) => Promise<AdmissionOutcome>;
  readonly want: (ids: readonly string[], cause: NostrEvent | undefined) => void;
};

/** Has another try at what was refused for want of an event, or of room. */
export class Retries {
  readonly #parts: RetryParts;
  /** What was too much for the turn in which its cause came, however many strangers had others refused for the same. */
  readonly #rest: SlicedQueue;
  #isClosed = false;

  constructor(turns: WorkTurns, parts: RetryParts) {
    this.#parts = parts;
    this.#rest = new SlicedQueue(turns);
  }

  /** Tries again what is at hand; what is not is asked for again, because of `cause`. */
  begin({ atHand, gone, rest }: Revived, cause?: NostrEvent): void {
    if (this.#isClosed) return;
    for (const hot of atHand) this.#retry(hot);
    this.#parts.want(gone, cause);
    for (const filter of rest)
      this.#rest.push(() => this.#parts.failures.attempt(cause?.id, () => this.#goOn(filter, cause)));
  }

  /** Nothing more is tried. */
  close(): void {
    this.#isClosed = true;
  }

  /** With refused events that match, which `cause` may have made acceptable. */
  #goOn(filter: Filter, cause: NostrEvent | undefined): void {
    if (!this.#isClosed) this.begin(this.#parts.refusals.reviveMore(filter), cause);
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
