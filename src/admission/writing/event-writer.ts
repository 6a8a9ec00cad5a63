import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';
import type { NostrEvent } from '../../nostr/event.js';
import type { Effect, EffectRunner } from '../../policy/decision.js';
import type { WaitingForRoom } from '../../policy/waiting-for-room.js';
import type { WritePolicy } from '../../policy/write-policy.js';
import type { HeldSet } from '../../purgatory/held-sets.js';
import type { EventStore, PutResult, RemovedEvent } from '../../store/event-store.js';
import type { EventFailures } from '../event-failures.js';
import type { EventFeed } from '../event-feed.js';
import type { HoldingDesk } from '../holding/holding-desk.js';
import { LazyAcceptedEvent } from '../lazy-accepted-event.js';
import type { Refusals, Revived } from '../refusals.js';
import type { Retries } from '../retries.js';
import { rulesOf } from '../sources.js';
import type { Job } from '../verification/verification-queue.js';
import { PendingWrites } from './pending-writes.js';

export type WriterParts<J extends Job> = {
  readonly store: Pick<EventStore, 'put'>;
  readonly policy: Pick<WritePolicy, 'onStored' | 'onRemoved'>;
  readonly refusals: Refusals;
  readonly retries: Retries;
  readonly failures: EventFailures;
  readonly feed: EventFeed;
  readonly effects: EffectRunner;
  /** Where there are quotas. */
  readonly waitingForRoom: WaitingForRoom | undefined;
  /** Where events are held. */
  readonly holding: HoldingDesk | undefined;
  readonly want: (ids: readonly string[], cause: NostrEvent) => void;
  /** A write began to gather; the result is called when it is on disk. */
  readonly onBegin: () => () => void;
  /** The event is on disk: whoever submitted it is told. */
  readonly onStored: (job: J) => void;
  /** So little waits again that more may be begun, of clients or of all. */
  readonly onRoom: () => void;
  /** The store failed. */
  readonly onFailure: (jobs: readonly J[], error: unknown) => void;
};

/** An event that is being written, with what follows from it. */
type Writing<J> = {
  readonly job: J;
  readonly sequence: number | undefined;
  readonly removed: readonly RemovedEvent[];
  readonly acceptable: readonly string[];
  readonly revived: Revived;
  readonly effects: readonly Effect[];
  /** Held events that it may concern. */
  readonly waiting: readonly HeldSet[];
};

const nothingRevived: Revived = { atHand: [], gone: [], rest: [] };

/** Puts events into the store and, once they are on disk, has done what follows from them: the end of admission. */
export class EventWriter<J extends Job> {
  readonly #parts: WriterParts<J>;
  readonly #writes: PendingWrites<Writing<J>>;

  constructor(turns: WorkTurns, parts: WriterParts<J>) {
    this.#parts = parts;
    this.#writes = new PendingWrites(turns, {
      bytesOf: ({ job }) => job.bytes,
      onBegin: parts.onBegin,
      onWritten: ({ job }) => {
        if (rulesOf(job.source).lane === 'direct') parts.onStored(job);
      },
      announce: (writing) => this.#announce(writing),
      onRoom: parts.onRoom,
      onFailure: (writings, error) => {
        const jobs = writings.map(({ job }) => job);
        parts.onFailure(jobs, error);
      },
    });
  }

  /** Whether so little waits for its write that more may be begun, of clients or of others. */
  hasRoom(isOfClients: boolean): boolean {
    return this.#writes.hasRoom(isOfClients);
  }

  /** Settles when all that is on disk by now has been announced in the feed. */
  announced(): Promise<void> {
    return this.#writes.announced();
  }

  /** Puts an event into the store; false when that does not keep it. `body` as for `EventStore.put`. */
  put(job: J, effects: readonly Effect[], body: Uint8Array | undefined): boolean {
    const { store, refusals, failures } = this.#parts;
    const { event } = job;
    // Before it is put: the disk forgets these refusals no later than it has the event. After a crash in between, nobody
    // would ask for what waited for it.
    const revived = failures.attempt(event.id, () => refusals.revive(event)) ?? nothingRevived;
    const result = store.put(event, body);
    if (result.status !== 'stored') return false;
    this.#follow(job, result, effects, revived);
    return true;
  }

  /** Where the git side has to look after events left the store. */
  effectsOf(removed: readonly RemovedEvent[]): readonly Effect[] {
    const { failures, policy } = this.#parts;
    return failures.attempt(removed[0]?.id, () => policy.onRemoved(removed)) ?? [];
  }

  /** What follows at once: the next decision rests on it. */
  #follow(job: J, result: PutResult, effects: readonly Effect[], revived: Revived): void {
    const { policy, refusals, failures, waitingForRoom, holding } = this.#parts;
    const { event } = job;
    const { sequence, removed, acceptable, written } = result;
    const effectsOfRemoval = this.effectsOf(removed);
    failures.attempt(event.id, () => policy.onStored(event));
    refusals.forget(event.id);
    waitingForRoom?.delete(event.id);
    const waiting = failures.attempt(event.id, () => holding?.onStored(event)) ?? [];
    const all = [...effects, ...effectsOfRemoval];
    this.#writes.add({ job, sequence, removed, acceptable, revived, effects: all, waiting }, written);
  }

  /** The event is on disk: whoever submitted it, the listeners, the git side and those that waited for it are told. */
  #announce({ job, sequence, removed, acceptable, revived, effects, waiting }: Writing<J>): void {
    const { failures, feed, retries, holding, effects: runner, want, onStored } = this.#parts;
    const { event, source } = job;
    if (rulesOf(source).lane !== 'direct') onStored(job);
    feed.emitRemoved({ removed });
    feed.emitAccepted(new LazyAcceptedEvent(event, source, sequence));
    failures.attempt(event.id, () => {
      if (effects.length > 0) runner.run(effects);
      want(acceptable, event);
      retries.begin(revived, event);
    });
    holding?.reconsider(waiting);
  }
}
