import { backgroundTurns } from '../config/background-turns.js';
import { limits } from '../config/limits.js';
import { deferred } from '../lib/abort.js';
import type { Clock } from '../lib/clock.js';
import { turnOrder } from '../lib/turns/turn-order.js';
import { fixedSlice, TurnScheduler } from '../lib/turns/turn-scheduler.js';
import { eventBytes, type NostrEvent } from '../nostr/event.js';
import type { Effect, EffectRunner } from '../policy/decision.js';
import type { WaitingForRoom } from '../policy/waiting-for-room.js';
import type { RefusedIndex } from '../store/refused/refused-index.js';
import type { Admission, AdmissionOutcome, EventSource, WantedListener } from './admission.js';
import type { AdmissionMetrics } from './admission-metrics.js';
import { AdmissionClosedError } from './errors.js';
import { EventDates } from './event-dates.js';
import { type AdmissionLog, EventFailures } from './event-failures.js';
import { EventFeed } from './event-feed.js';
import { HoldingDesk, type HoldingParts } from './holding/holding-desk.js';
import { InFlightEvents } from './in-flight-events.js';
import { Judge, type JudgeParts } from './judge.js';
import { Refusals } from './refusals.js';
import { Removals } from './removals.js';
import { Retries } from './retries.js';
import { isFromRelay, rulesOf } from './sources.js';
import type { PromptCheck } from './verification/prompt-check.js';
import { VerificationQueue } from './verification/verification-queue.js';
import type { Verifier } from './verification/verifier.js';
import { EventWriter } from './writing/event-writer.js';
import { type PendingJob, VerifiedEvents } from './writing/verified-events.js';

export type AdmissionParts = Pick<JudgeParts, 'store' | 'policy' | 'hasRoom'> & {
  readonly refused: RefusedIndex;
  readonly verifier: Verifier;
  /** Checks what clients publish where few do; without it all is left to the verifier. */
  readonly promptCheck?: PromptCheck;
  readonly clock: Clock;
  readonly metrics: AdmissionMetrics;
  readonly log: AdmissionLog;
  /** How long refused events stay at hand. */
  readonly hotCacheDurationMs: number;
  /** What waits for room below the quotas, where there are any. */
  readonly waitingForRoom?: WaitingForRoom;
  /** Where events wait for their git data; without it none do. */
  readonly holding?: HoldingParts;
  /** Takes what follows on the git side, once the event is on disk. */
  readonly effects: EffectRunner;
  /** Told when the store can no longer be written: the daemon has to stop. */
  readonly onStoreFailure: (error: unknown) => void;
};

const stored: AdmissionOutcome = { type: 'stored' };

/**
 * The one door (docs/sync.md §6). Cheapest checks first: known, refused before, not to be kept, not wanted by policy;
 * then id and signature, off the main thread but for a few; then the decision and the store, synchronously one after the other;
 * then, once written, the feed.
 */
export class AdmissionPipeline implements Admission, AsyncDisposable {
  readonly feed: EventFeed;
  /** What is held, and promoted; where events are held. */
  readonly holding: HoldingDesk | undefined;
  readonly #parts: AdmissionParts;
  readonly #failures: EventFailures;
  readonly #dates: EventDates;
  readonly #judge: Judge;
  readonly #refusals: Refusals;
  readonly #retries: Retries;
  /** Of what comes from other relays and from the operator: clients go first. */
  readonly #turns: TurnScheduler;
  readonly #queue: VerificationQueue<PendingJob>;
  readonly #verified: VerifiedEvents;
  readonly #writer: EventWriter<PendingJob>;
  readonly #removals: Removals;
  /** Copies of an event that are the same go one after another. */
  readonly #inFlight = new InFlightEvents();
  readonly #wantedListeners = new Set<WantedListener>();
  #closed = false;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
    this.#failures = new EventFailures(parts.log, parts.metrics);
    this.#dates = new EventDates(parts.clock);
    this.feed = new EventFeed(this.#failures, parts.store.lastSequence);
    this.#refusals = new Refusals(parts.refused, parts.policy, parts.clock, parts.hotCacheDurationMs);
    const purgatory = parts.holding?.purgatory;
    this.#judge = new Judge({
      ...parts,
      refusals: this.#refusals,
      dates: this.#dates,
      underWay: this.#inFlight,
      ...(purgatory === undefined ? {} : { purgatory }),
    });
    this.#turns = backgroundTurns(parts.clock, 'catch-up');
    this.holding =
      parts.holding &&
      new HoldingDesk(this.#turns, {
        ...parts,
        ...parts.holding,
        judge: this.#judge,
        refusals: this.#refusals,
        failures: this.#failures,
        put: (event, effects) => this.#putHeld(event, effects),
      });
    this.#retries = new Retries(this.#turns, {
      refusals: this.#refusals,
      failures: this.#failures,
      submit: (event, source) => this.submit(event, source),
      want: (ids, cause) => this.want(ids, cause),
    });
    this.#verified = new VerifiedEvents({
      judge: this.#judge,
      failures: this.#failures,
      metrics: parts.metrics,
      feed: this.feed,
      holding: () => this.holding,
      put: (job, effects, body) => this.#writer.put(job, effects, body),
    });
    const ofClients = fixedSlice(limits.requestSliceMs);
    const turns = {
      clients: new TurnScheduler(parts.clock, ofClients, turnOrder.of('clients')),
      others: this.#turns,
    };
    this.#queue = new VerificationQueue(parts.verifier, parts.promptCheck, turns, {
      hasRoom: (lane) => this.#writer.hasRoom(lane === 'direct'),
      onVerdict: (job, verdict, body) => this.#verified.take(job, verdict, body),
      onFailure: (job, error) => this.#verified.fail(job, error),
    });
    this.#writer = new EventWriter(this.#turns, {
      ...parts,
      refusals: this.#refusals,
      retries: this.#retries,
      failures: this.#failures,
      feed: this.feed,
      waitingForRoom: parts.waitingForRoom,
      holding: this.holding,
      want: (ids, cause) => this.want(ids, cause),
      onBegin: () => parts.metrics.startWrite(),
      onStored: (job) => this.#verified.finish(job, stored),
      onRoom: () => this.#queue.resume(),
      onFailure: (jobs, error) => {
        for (const { outcome } of jobs) outcome.reject(error);
        parts.onStoreFailure(error);
      },
    });
    this.#removals = new Removals({
      ...parts,
      writer: this.#writer,
      refusals: this.#refusals,
      retries: this.#retries,
      failures: this.#failures,
      dates: this.#dates,
      feed: this.feed,
      holding: this.holding,
      want: (ids) => this.want(ids),
      turns: this.#turns,
    });
    parts.metrics.watch({ queuedEvents: () => this.#queue.length, hotBytes: () => this.#refusals.hotBytes });
  }

  async submit(event: NostrEvent, source: EventSource): Promise<AdmissionOutcome> {
    if (this.#closed) throw new AdmissionClosedError();
    const earlier = this.#inFlight.outcomeOf(event);
    if (earlier === undefined) {
      const early = this.#earlyOutcome(event, source);
      if (early !== undefined) return await this.#onceWritten(early, source);
    }
    const outcome =
      earlier === undefined ? this.#enqueue(event, source) : this.#follow(earlier, event, source);
    this.#inFlight.begin(event, outcome);
    try {
      return await this.#onceWritten(await outcome, source);
    } finally {
      this.#inFlight.end(event, outcome);
    }
  }

  async waitForCapacity(type: EventSource['type']): Promise<void> {
    if (this.#closed) throw new AdmissionClosedError();
    await this.#queue.waitForCapacity(type);
    if (rulesOf({ type }).lane !== 'direct' && this.#turns.isOver) await this.#turns.next();
  }

  hasCapacity(type: EventSource['type']): boolean {
    return !this.#closed && this.#queue.hasCapacity(type);
  }

  /** Settles when all that is on disk by now has been announced in the feed. */
  announced(): Promise<void> {
    return this.#writer.announced();
  }

  onWanted(listener: WantedListener): () => void {
    this.#wantedListeners.add(listener);
    return () => this.#wantedListeners.delete(listener);
  }

  /** Has events asked for again: because of `cause`, or because the store lost them. */
  want(ids: readonly string[], cause?: NostrEvent): void {
    if (ids.length > 0) for (const listener of this.#wantedListeners) listener(ids, cause);
  }

  /** Removes what has expired (NIP-40) and forgets refusals whose time is over. */
  async sweep(): Promise<void> {
    await this.#removals.sweep();
  }

  /**
   * Takes stored events away because the operator wants them here no longer; they are remembered as refused for `reason`.
   * Settles when that is on disk and was told; gives how many were stored. Rejects with `StoreError`, and with
   * `AdmissionClosedError` at shutdown.
   */
  async takeAway(ids: readonly string[], reason: string): Promise<number> {
    if (this.#closed) throw new AdmissionClosedError();
    return await this.#removals.takeAway(ids, reason);
  }

  /** Takes nothing more, gives up what was not begun, and waits for what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#retries.close();
    this.holding?.close();
    for (const job of this.#queue.close()) job.outcome.reject(new AdmissionClosedError());
    await Promise.allSettled(this.#inFlight.outcomes());
    await this.#verified.promoted();
    await this.#writer.announced();
  }

  /**
   * That an event is not taken may rest on others that are not on disk yet: a copy, a newer version, a deletion, an
   * announcement. Who waits for an answer is told so once they are, and that it failed when their write fails.
   */
  async #onceWritten(outcome: AdmissionOutcome, source: EventSource): Promise<AdmissionOutcome> {
    const isTaken = outcome.type === 'stored' || outcome.type === 'ephemeral';
    if (!isFromRelay(source) && !isTaken) await this.#parts.store.unwritten();
    return outcome;
  }

  /** Lets the event wait for its verdict. */
  #enqueue(event: NostrEvent, source: EventSource): Promise<AdmissionOutcome> {
    const job: PendingJob = { event, source, bytes: eventBytes(event), outcome: deferred() };
    this.#queue.push(job);
    return job.outcome.promise;
  }

  /**
   * The same event is being checked already. When it is stored this one is a duplicate; but another outcome may be
   * the fault of that copy (a forged signature), so this one is tried for itself.
   */
  async #follow(
    earlier: Promise<AdmissionOutcome>,
    event: NostrEvent,
    source: EventSource,
  ): Promise<AdmissionOutcome> {
    const outcome = await earlier;
    if (outcome.type === 'ephemeral') return outcome;
    if (this.#closed) throw new AdmissionClosedError();
    return this.#earlyOutcome(event, source) ?? (await this.#enqueue(event, source));
  }

  /** What can be said without the signature; counted. */
  #earlyOutcome(event: NostrEvent, source: EventSource): AdmissionOutcome | undefined {
    let outcome: AdmissionOutcome | undefined;
    try {
      outcome = this.#judge.unverified(event, source);
    } catch (error) {
      outcome = this.#failures.outcomeOf(event, source, error);
    }
    if (outcome !== undefined) this.#parts.metrics.countOutcome(source.type, outcome);
    return outcome;
  }

  /** Stores a held event, as `VerifiedEvents.putHeld`. */
  #putHeld(event: NostrEvent, effects: readonly Effect[]): Promise<AdmissionOutcome> | undefined {
    if (this.#closed) throw new AdmissionClosedError();
    return this.#verified.putHeld(event, effects);
  }
}
