import type { Admission, AdmissionOutcome, EventSource } from '../../admission/admission.js';
import { isForged } from '../../admission/judge.js';
import { reaches } from '../../config/limit-use.js';
import { type Deferred, deferred } from '../../lib/abort.js';
import type { NostrEvent } from '../../nostr/event.js';
import type { SyncLogger } from '../report/logger.js';

/** Submits the events of one remote to admission, with a bound on how many wait for their outcome there. */
export class RemoteEventSubmitter {
  readonly #admission: Admission;
  readonly #relay: string;
  readonly #logger: SyncLogger;
  readonly #onFailure: (error: unknown) => void;
  readonly #onFailedEvents: (ids: readonly string[]) => void;
  readonly #onForged: () => void;
  #inFlight = 0;
  /** Ids of the events in a row that made us fail. */
  #failed: string[] = [];
  #room: Deferred<void> | undefined;

  /**
   * `onFailure` is called when admission takes no more events, because the store failed or the daemon stops;
   * `onFailedEvents` with their ids when too many events in a row made us fail, so that the connection is better ended;
   * `onForged` for each event with a wrong id or signature.
   */
  constructor(parts: {
    readonly admission: Admission;
    readonly relay: string;
    readonly logger: SyncLogger;
    readonly onFailure: (error: unknown) => void;
    readonly onFailedEvents: (ids: readonly string[]) => void;
    readonly onForged: () => void;
  }) {
    this.#admission = parts.admission;
    this.#relay = parts.relay;
    this.#logger = parts.logger;
    this.#onFailure = parts.onFailure;
    this.#onFailedEvents = parts.onFailedEvents;
    this.#onForged = parts.onForged;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Resolves when one more event may be delivered. */
  async room(source: EventSource['type']): Promise<void> {
    while (reaches('remoteEventsInFlightMax', this.#inFlight)) {
      this.#room ??= deferred();
      await this.#room.promise;
    }
    await this.#admission.waitForCapacity(source);
  }

  /** Submits an event; resolves with its outcome, or `undefined` when admission takes no more. Never rejects. */
  async deliver(
    event: NostrEvent,
    type: 'live_sync' | 'catchup' | 'daily_catchup',
  ): Promise<AdmissionOutcome | undefined> {
    this.#inFlight += 1;
    try {
      const outcome = await this.#admission.submit(event, { type, relay: this.#relay });
      this.#log(event, type, outcome);
      this.#count(event.id, outcome);
      if (isForged(outcome)) this.#onForged();
      return outcome;
    } catch (error) {
      this.#onFailure(error);
      return undefined;
    } finally {
      this.#inFlight -= 1;
      this.#room?.resolve();
      this.#room = undefined;
    }
  }

  #count(id: string, outcome: AdmissionOutcome): void {
    if (outcome.type === 'failed') this.#failed.push(id);
    else this.#failed = [];
    if (!reaches('remoteFailedEventsMax', this.#failed.length)) return;
    const failed = this.#failed;
    this.#failed = [];
    this.#onFailedEvents(failed);
  }

  #log(event: NostrEvent, source: string, outcome: AdmissionOutcome): void {
    const details = { relay: this.#relay, event: event.id, kind: event.kind, source };
    if (outcome.type === 'stored' && source === 'live_sync') {
      this.#logger.debug(details, 'stored from live sync');
    } else if (outcome.type === 'refused') {
      this.#logger.debug({ ...details, reason: outcome.reason }, 'synced event refused');
    }
  }
}
