import type { AdmissionOutcome } from '../../admission/admission.js';
import { deferred, onAbort } from '../../lib/abort.js';
import type { NostrEvent } from '../../nostr/event.js';

/** For whom ids are fetched: told of each event with its outcome, and of the ids that the relay did not serve. */
export type FetchListener = {
  readonly source: 'catchup' | 'daily_catchup';
  onEvent(event: NostrEvent, outcome: AdmissionOutcome): void;
  onUnserved(id: string): void;
};

/** Fetches events by their ids. */
export type IdFetcher = {
  /** Begins a job; what is left of it when it is disposed of, or when `signal` aborts, is not asked for. */
  begin(listener: FetchListener, signal: AbortSignal): FetchJob;
  /** Resolves when what has been asked for until now is accounted for, or after a time: a relay may take long. */
  asked(): Promise<void>;
};

/** Where the ids of a job wait. */
type FetchQueue = {
  /** Resolves when there is room for more. */
  add(job: FetchJob, ids: readonly string[]): Promise<void>;
  /** What waits of the job is not asked for any more. */
  drop(job: FetchJob): void;
};

/** The ids that one piece of catch-up needs: added as they are found, until each of them is accounted for. */
export class FetchJob implements Disposable {
  readonly listener: FetchListener;
  readonly #queue: FetchQueue;
  readonly #signal: AbortSignal;
  readonly #aborting: Disposable;
  readonly #end = deferred<void>();
  #isComplete = false;
  #open = 0;
  /** Resolves when the answers to all that was asked for have been handed on. */
  handedOn: Promise<void> = Promise.resolve();

  /** Fails when `signal` aborts. */
  constructor(listener: FetchListener, queue: FetchQueue, signal: AbortSignal) {
    this.listener = listener;
    this.#queue = queue;
    this.#signal = signal;
    this.#aborting = onAbort(signal, (reason) => {
      this.fail(reason);
      queue.drop(this);
    });
  }

  /** Adds ids; resolves when there is room for more. Rejects as `finish` does. */
  async add(ids: readonly string[]): Promise<void> {
    this.#open += ids.length;
    await Promise.race([this.#queue.add(this, ids), this.#end.promise]);
  }

  /**
   * Resolves when all ids that were added are accounted for. Rejects with the signal's reason, or with `PeerGoneError`
   * when the connection ended before.
   */
  async finish(): Promise<void> {
    this.#signal.throwIfAborted();
    if (this.#open === 0) return;
    this.#isComplete = true;
    await this.#end.promise;
  }

  /** So many ids are here: stored, or refused by the policy. */
  have(ids: number): void {
    this.#account(ids);
  }

  /** The relay does not serve an id. */
  unserved(id: string): void {
    this.listener.onUnserved(id);
    this.#account(1);
  }

  /** What is open will not come. */
  fail(error: unknown): void {
    this.#end.reject(error);
  }

  [Symbol.dispose](): void {
    this.#aborting[Symbol.dispose]();
    this.#queue.drop(this);
  }

  #account(ids: number): void {
    this.#open -= ids;
    if (this.#isComplete && this.#open === 0) this.#end.resolve();
  }
}
