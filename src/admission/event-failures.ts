import { errorMessage } from '../lib/errors.js';
import type { NostrEvent } from '../nostr/event.js';
import { StoreError } from '../store/event-store.js';
import type { AdmissionOutcome, EventSource } from './admission.js';
import type { AdmissionMetrics } from './admission-metrics.js';
import { AdmissionClosedError } from './errors.js';
import { isFromRelay } from './sources.js';

/** Where failures are said. */
export type AdmissionLog = { error(details: object, message: string): void };

const failed: AdmissionOutcome = { type: 'failed', reason: 'error: the event could not be judged' };

/**
 * Events about which policy, store, verifier or a listener threw: a fault of ours, set off by what somebody sent. It
 * costs that event, is said with its id, and counted; everything else goes on.
 */
export class EventFailures {
  readonly #log: AdmissionLog;
  readonly #metrics: AdmissionMetrics;

  constructor(log: AdmissionLog, metrics: AdmissionMetrics) {
    this.#log = log;
    this.#metrics = metrics;
  }

  /** The outcome of an event that could not be judged. Throws the errors that are about all events. */
  outcomeOf(event: NostrEvent, source: EventSource, error: unknown): AdmissionOutcome {
    if (isAboutAll(error)) throw error;
    const relay = isFromRelay(source) ? source.relay : undefined;
    this.#note({ event: event.id, kind: event.kind, source: source.type, relay }, error);
    return failed;
  }

  /** Says what failed that nobody waits for; errors that are about all events are told elsewhere. */
  noteLate(eventId: string | undefined, error: unknown): void {
    if (!isAboutAll(error)) this.#note({ event: eventId }, error);
  }

  /** Does what follows from an event that is stored; what throws is left out. */
  attempt<T>(eventId: string | undefined, step: () => T): T | undefined {
    try {
      return step();
    } catch (error) {
      this.#note({ event: eventId }, error);
      return undefined;
    }
  }

  #note(details: object, error: unknown): void {
    this.#metrics.countFailure();
    const stack = error instanceof Error ? error.stack : undefined;
    this.#log.error({ ...details, reason: errorMessage(error), stack }, 'an event made us fail');
  }
}

function isAboutAll(error: unknown): boolean {
  return error instanceof StoreError || error instanceof AdmissionClosedError;
}
