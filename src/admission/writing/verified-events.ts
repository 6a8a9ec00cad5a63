import { type Deferred, deferred } from '../../lib/abort.js';
import { eventBytes, type NostrEvent } from '../../nostr/event.js';
import type { Effect, Hold } from '../../policy/decision.js';
import type { AdmissionOutcome, EventSource } from '../admission.js';
import type { AdmissionMetrics } from '../admission-metrics.js';
import type { EventFailures } from '../event-failures.js';
import type { EventFeed } from '../event-feed.js';
import type { HoldingDesk } from '../holding/holding-desk.js';
import { isForged, type Judge } from '../judge.js';
import { LazyAcceptedEvent } from '../lazy-accepted-event.js';
import { rulesOf } from '../sources.js';
import type { Job } from '../verification/verification-queue.js';
import type { Verdict } from '../verification/verifier.js';
import type { EventWriter } from './event-writer.js';

/** An event on its way, and who waits for what becomes of it. */
export type PendingJob = Job & {
  readonly outcome: Deferred<AdmissionOutcome>;
  /** It was counted when it was submitted, and held then. */
  readonly isPromotion?: boolean;
};

export type VerifiedEventParts = {
  readonly judge: Judge;
  readonly failures: EventFailures;
  readonly metrics: AdmissionMetrics;
  readonly feed: EventFeed;
  /** Where events are held. */
  readonly holding: () => HoldingDesk | undefined;
  readonly put: EventWriter<PendingJob>['put'];
};

/** Of held events: clients submitted them all. */
const client: EventSource = { type: 'direct' };

/** What becomes of events whose id and signature were checked: the decision, then the store, with nothing in between. */
export class VerifiedEvents {
  readonly #parts: VerifiedEventParts;
  /** The writes of held events that are stored now. */
  readonly #promotions = new Set<Promise<AdmissionOutcome>>();

  constructor(parts: VerifiedEventParts) {
    this.#parts = parts;
  }

  /** Takes an event with its verdict. `body` as for `EventStore.put`. */
  take(job: PendingJob, verdict: Verdict, body: Uint8Array | undefined): void {
    try {
      const outcome = this.#decide(job, verdict, body);
      if (outcome !== undefined) this.finish(job, outcome);
    } catch (error) {
      this.fail(job, error);
    }
  }

  /** Stores a held event; settles when it is on disk. `undefined` where the store does not keep it. */
  putHeld(event: NostrEvent, effects: readonly Effect[]): Promise<AdmissionOutcome> | undefined {
    const outcome = deferred<AdmissionOutcome>();
    const job = { event, source: client, bytes: eventBytes(event), outcome, isPromotion: true };
    if (!this.#parts.put(job, effects, undefined)) return undefined;
    const written = outcome.promise.finally(() => this.#promotions.delete(written));
    this.#promotions.add(written);
    return written;
  }

  /** Settles when all held events that are being stored are. */
  async promoted(): Promise<void> {
    await Promise.allSettled(this.#promotions);
  }

  /** Tells who waits what became of an event. */
  finish(job: PendingJob, outcome: AdmissionOutcome): void {
    if (!job.isPromotion) this.#parts.metrics.countOutcome(job.source.type, outcome);
    job.outcome.resolve(outcome);
  }

  /** Something of ours failed at an event. */
  fail(job: PendingJob, error: unknown): void {
    try {
      this.finish(job, this.#parts.failures.outcomeOf(job.event, job.source, error));
    } catch (cause) {
      job.outcome.reject(cause);
    }
  }

  /** The outcome, or `undefined` when it stands only after the write. */
  #decide(job: PendingJob, verdict: Verdict, body: Uint8Array | undefined): AdmissionOutcome | undefined {
    const { judge, feed, holding, put } = this.#parts;
    const { event, source } = job;
    if (verdict === 'valid' && rulesOf(source).isHeld) holding()?.reviveFor(event);
    const judgement = judge.verified(event, source, verdict);
    if (judgement.type === 'hold') {
      this.#hold(job, judgement);
      return undefined;
    }
    if (judgement.type !== 'taken') {
      if (judgement.type === 'refused' && !isForged(judgement)) holding()?.onRefused(event);
      return judgement;
    }
    if (judgement.isEphemeral) {
      feed.emitAccepted(new LazyAcceptedEvent(event, source, undefined));
      return { type: 'ephemeral' };
    }
    if (put(job, judgement.effects, body)) return undefined;
    // It may have expired since it was judged (NIP-40): then it is not stored.
    return this.#decide(job, verdict, body);
  }

  /** Has the event held; whoever submitted it waits for the journal and for a look whether its git data is here. */
  #hold(job: PendingJob, hold: Hold): void {
    this.#parts
      .holding()
      ?.hold(job.event, job.source, hold)
      .then(
        (outcome) => this.finish(job, outcome),
        (error) => this.fail(job, error),
      );
  }
}
