import { noteUse, reaches } from '../../config/limit-use.js';
import { limits } from '../../config/limits.js';
import { BoundedQueue, type Line } from '../../lib/collections/bounded-queue.js';
import { PartyFifo } from '../../lib/collections/party-fifo.js';
import { SlicedQueue } from '../../lib/turns/sliced-queue.js';
import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';
import type { NostrEvent } from '../../nostr/event.js';
import type { EventSource } from '../admission.js';
import { type Lane, rulesOf } from '../sources.js';
import type { PromptCheck } from './prompt-check.js';
import type { Verdict, VerifiedBatch, Verifier } from './verifier.js';

/** What waits for its verdict. */
export type Job = {
  readonly event: NostrEvent;
  readonly source: EventSource;
  /** What it counts for in queues. */
  readonly bytes: number;
};

/** In their order; and in that of one batch in four, so that what comes live without end does not keep catch-up from going on. */
const lanes: readonly Lane[] = ['direct', 'live', 'catchup'];
const lanesForOthers: readonly Lane[] = ['direct', 'catchup', 'live'];
const batchesInOrder = 3;

const laneLimits = {
  bytesHigh: limits.verificationLaneBytesHigh,
  bytesLow: limits.verificationLaneBytesLow,
  itemsMax: limits.verificationLaneEventsMax,
};

/** The address that an event came from. */
function addressOf({ source }: Job): string | undefined {
  return source.type === 'direct' ? source.address?.group : undefined;
}

type Batch<J extends Job> = { readonly jobs: readonly J[]; verified: VerifiedBatch | undefined };

/** What is done with the verdicts. */
export type VerdictListener<J extends Job> = {
  /** Whether more of a lane may be begun: not while too much of what was begun before waits to be written. */
  hasRoom(lane: Lane): boolean;
  /** `body`: the event as bytes (nostr/event-body.ts), where these are at hand. */
  onVerdict(job: J, verdict: Verdict, body: Uint8Array | undefined): void;
  /** The verifier failed when it had this event alone. */
  onFailure(job: J, error: unknown): void;
};

/** The turns in which verdicts are handed out: those of what clients publish, and of all else. */
export type VerdictTurns = { readonly clients: WorkTurns; readonly others: WorkTurns };

/**
 * Feeds a `Verifier` with batches and hands the verdicts out in slices of turns, for what follows of some takes milliseconds: in the
 * order of submission within each lane, and among clients within each address. Batches grow by themselves under load: whatever came while all
 * workers were busy goes together. A client's event that comes alone is checked where it is.
 */
export class VerificationQueue<J extends Job> {
  readonly #verifier: Verifier;
  readonly #prompt: PromptCheck | undefined;
  readonly #listener: VerdictListener<J>;
  readonly #lanes: Readonly<Record<Lane, BoundedQueue<J>>>;
  readonly #underWay: Batch<J>[] = [];
  #batches = 0;
  /** What was verified of clients, and of all others. */
  readonly #ofClients: SlicedQueue;
  readonly #ofOthers: SlicedQueue;

  constructor(
    verifier: Verifier,
    prompt: PromptCheck | undefined,
    turns: VerdictTurns,
    listener: VerdictListener<J>,
  ) {
    this.#verifier = verifier;
    this.#prompt = prompt;
    this.#listener = listener;
    this.#ofClients = new SlicedQueue(turns.clients);
    this.#ofOthers = new SlicedQueue(turns.others);
    const lane = (items?: Line<J>) => new BoundedQueue<J>(laneLimits, (job) => job.bytes, items);
    // Whatever comes from one address, others have their turns.
    this.#lanes = { direct: lane(new PartyFifo<J>(addressOf)), live: lane(), catchup: lane() };
  }

  /** The jobs that wait or are under way. */
  get length(): number {
    const waiting = lanes.reduce((sum, lane) => sum + this.#lanes[lane].length, 0);
    const verified = this.#ofClients.length + this.#ofOthers.length;
    return this.#underWay.reduce((sum, { jobs }) => sum + jobs.length, waiting + verified);
  }

  push(job: J): void {
    if (this.#checksAtOnce(job)) return;
    const lane = this.#lanes[rulesOf(job.source).lane];
    lane.push(job);
    noteUse('verificationLaneBytesHigh', lane.bytes);
    noteUse('verificationLaneEventsMax', lane.length);
    this.#pump();
  }

  /** Resolves when the lane of such a source has room. */
  waitForCapacity(type: EventSource['type']): Promise<void> {
    return this.#lanes[rulesOf({ type }).lane].waitForCapacity();
  }

  /** Whether it has room now. */
  hasCapacity(type: EventSource['type']): boolean {
    return !this.#lanes[rulesOf({ type }).lane].full;
  }

  /** There is room again: begins what waited for it. */
  resume(): void {
    this.#pump();
  }

  /** Takes no more; returns the jobs that were not begun. Those under way still get their verdict. */
  close(): J[] {
    return lanes.flatMap((lane) => this.#lanes[lane].close());
  }

  /** Checks an event of a client that nothing of clients is before; false where it has to wait. */
  #checksAtOnce(job: J): boolean {
    if (rulesOf(job.source).lane !== 'direct') return false;
    if (this.#lanes.direct.length + this.#ofClients.length > 0) return false;
    // Those of clients come first in a batch.
    const isUnderWay = ({ jobs }: Batch<J>) =>
      jobs[0] !== undefined && rulesOf(jobs[0].source).lane === 'direct';
    if (this.#underWay.some(isUnderWay) || !this.#listener.hasRoom('direct')) return false;
    try {
      const verified = this.#prompt?.check(job.event);
      if (verified === undefined) return false;
      this.#tell(job, verified, 0);
    } catch (error) {
      this.#listener.onFailure(job, error);
    }
    return true;
  }

  #pump(): void {
    while (this.#underWay.length < this.#verifier.batchesMax) {
      const jobs = this.#takeBatch();
      if (jobs.length === 0) return;
      this.#begin(jobs, this.#underWay.length);
    }
  }

  /** Has a batch verified, which hands its verdicts out at that place of those under way. */
  #begin(jobs: readonly J[], place: number): void {
    const batch: Batch<J> = { jobs, verified: undefined };
    this.#underWay.splice(place, 0, batch);
    this.#verifier.verify(jobs.map((job) => job.event)).then(
      (verified) => {
        batch.verified = verified;
        this.#handOut();
      },
      (error) => this.#onFailure(batch, error),
    );
  }

  /** Of a batch that fails, each event is tried by itself: one alone may be the cause. */
  #onFailure(batch: Batch<J>, error: unknown): void {
    const { jobs } = batch;
    const place = this.#underWay.indexOf(batch);
    this.#underWay.splice(place, 1);
    if (jobs[0] !== undefined && jobs.length === 1) this.#listener.onFailure(jobs[0], error);
    else for (const [index, job] of jobs.entries()) this.#begin([job], place + index);
    this.#handOut();
  }

  #takeBatch(): J[] {
    const jobs: J[] = [];
    let bytes = 0;
    const order = this.#batches % (batchesInOrder + 1) < batchesInOrder ? lanes : lanesForOthers;
    for (const lane of order) {
      if (!this.#listener.hasRoom(lane)) break;
      // The results wait for their slice; the workers need not run far ahead of it.
      if (reaches('judgedEventsMax', this.#verifiedOf(lane).length)) continue;
      const eventsMax =
        lane === 'direct' ? limits.verificationBatchEventsMax : limits.verificationRemoteBatchEventsMax;
      while (jobs.length < eventsMax && bytes < limits.verificationBatchBytesMax) {
        const job = this.#lanes[lane].shift();
        if (job === undefined) break;
        bytes += job.bytes;
        jobs.push(job);
      }
    }
    if (jobs.length > 0) this.#batches += 1;
    return jobs;
  }

  #handOut(): void {
    for (let head = this.#underWay[0]; head?.verified !== undefined; head = this.#underWay[0]) {
      this.#underWay.shift();
      const { verified } = head;
      for (const [index, job] of head.jobs.entries()) {
        this.#verifiedOf(rulesOf(job.source).lane).push(() => {
          this.#tell(job, verified, index);
          this.#pump();
        });
      }
    }
    this.#pump();
  }

  #verifiedOf(lane: Lane): SlicedQueue {
    return lane === 'direct' ? this.#ofClients : this.#ofOthers;
  }

  #tell(job: J, { verdicts, bodies }: VerifiedBatch, index: number): void {
    this.#listener.onVerdict(job, verdicts[index] ?? 'wrong-signature', bodies?.[index]);
  }
}
