import type { AdmissionOutcome } from '../../admission/admission.js';
import { type Deferred, deferred, onAbort } from '../../lib/abort.js';
import type { NostrEvent } from '../../nostr/event.js';

/** For whom ids are downloaded: told of each event with its outcome, and of the ids that the relay did not serve. */
export type FetchListener = {
  readonly source: 'catchup' | 'daily_catchup';
  onEvent(event: NostrEvent, outcome: AdmissionOutcome): void;
  onUnserved(id: string): void;
};

/** The ids that one piece of catch-up needs, as far as they are not accounted for. */
export class FetchJob {
  readonly source: FetchListener['source'];
  readonly #listener: FetchListener;
  readonly #enqueue: (ids: readonly string[]) => Promise<void>;
  readonly #failed = deferred<never>();
  /** Resolves when the answers to all that was asked for have been handed on. */
  handedOn: Promise<void> = Promise.resolve();
  #open = 0;
  #done: Deferred<void> | undefined;

  constructor(listener: FetchListener, enqueue: (job: FetchJob, ids: readonly string[]) => Promise<void>) {
    this.source = listener.source;
    this.#listener = listener;
    this.#enqueue = async (ids) => await enqueue(this, ids);
  }

  /** Adds ids; resolves when there is room for more. Rejects with `PeerGoneError` when the connection ended. */
  async add(ids: readonly string[]): Promise<void> {
    this.#open += ids.length;
    await Promise.race([this.#enqueue(ids), this.#failed.promise]);
  }

  /**
   * Resolves when all ids that were added are accounted for. Rejects with the signal's reason, or with
   * `PeerGoneError` when the connection ended before.
   */
  async finish(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const done = deferred<void>();
    if (this.#open === 0) done.resolve();
    this.#done = done;
    using _ = onAbort(signal, done.reject);
    await Promise.race([done.promise, this.#failed.promise]);
  }

  /** The connection ended: what is open will not come. */
  fail(error: unknown): void {
    this.#failed.reject(error);
  }

  onEvent(event: NostrEvent, outcome: AdmissionOutcome): void {
    this.#listener.onEvent(event, outcome);
  }

  /** An id is accounted for: it is here. */
  settle(): void {
    this.#open -= 1;
    if (this.#open === 0) this.#done?.resolve();
  }

  /** An id is accounted for: the relay does not serve it. */
  settleUnserved(id: string): void {
    this.#listener.onUnserved(id);
    this.settle();
  }
}
