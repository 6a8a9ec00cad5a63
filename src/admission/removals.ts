import { limits } from '../config/limits.js';
import { pieces } from '../lib/collections/lists.js';
import type { WorkTurns } from '../lib/turns/turn-scheduler.js';
import type { Effect, EffectRunner } from '../policy/decision.js';
import type { WaitingForRoom } from '../policy/waiting-for-room.js';
import type { EventStore, RemovedEvent } from '../store/event-store.js';
import type { EventDates } from './event-dates.js';
import type { EventFailures } from './event-failures.js';
import type { EventFeed } from './event-feed.js';
import type { HoldingDesk } from './holding/holding-desk.js';
import type { Refusals } from './refusals.js';
import type { Retries } from './retries.js';
import type { Job } from './verification/verification-queue.js';
import type { EventWriter } from './writing/event-writer.js';

export type RemovalParts = {
  readonly store: Pick<EventStore, 'removeExpired' | 'takeAway'>;
  readonly writer: Pick<EventWriter<Job>, 'effectsOf' | 'announced'>;
  readonly refusals: Refusals;
  readonly retries: Retries;
  readonly failures: EventFailures;
  readonly dates: EventDates;
  readonly feed: EventFeed;
  readonly effects: EffectRunner;
  /** Where there are quotas. */
  readonly waitingForRoom?: WaitingForRoom;
  /** Where events are held. */
  readonly holding: HoldingDesk | undefined;
  readonly want: (ids: readonly string[]) => void;
  /** Those in which is told of what expired, of very much a piece at a time. */
  readonly turns: WorkTurns;
};

/** Lets events go that no other event replaces or deletes, and has follow what follows. */
export class Removals {
  readonly #parts: RemovalParts;

  constructor(parts: RemovalParts) {
    this.#parts = parts;
  }

  /** Removes what has expired (NIP-40) and forgets refusals whose time is over. */
  async sweep(): Promise<void> {
    const { refusals, retries, failures, dates, waitingForRoom, holding } = this.#parts;
    await this.#tellOfDepartures();
    refusals.sweep();
    await holding?.sweep();
    const due = dates.takeDue();
    for (const id of due) refusals.forget(id);
    await this.#wantAgain(due);
    failures.attempt(undefined, () => {
      const fitting = waitingForRoom?.take() ?? [];
      if (fitting.length > 0) retries.tryAgain(refusals.takeOut(fitting));
    });
  }

  /** Of all that left the store by itself, also of what does meanwhile. */
  async #tellOfDepartures(): Promise<void> {
    const { store, writer, turns } = this.#parts;
    for (;;) {
      const { removed, lost, acceptable, written } = store.removeExpired();
      if (removed.length + lost.length + acceptable.length === 0) return;
      await written;
      await this.#inPieces(removed, (piece) => this.#tell(piece, writer.effectsOf(piece)));
      await this.#inPieces(lost, (piece) => {
        writer.effectsOf(piece);
        // What follows is left out: damage of the disk closes no repository, and takes no ref.
        this.#tell(piece, []);
      });
      await this.#wantAgain(acceptable);
      await turns.next();
    }
  }

  #tell(removed: readonly RemovedEvent[], effects: readonly Effect[]): void {
    this.#parts.feed.emitRemoved({ removed });
    if (effects.length > 0)
      this.#parts.failures.attempt(removed[0]?.id, () => this.#parts.effects.run(effects));
  }

  async #wantAgain(ids: readonly string[]): Promise<void> {
    const { failures, want } = this.#parts;
    await this.#inPieces(ids, (piece) => failures.attempt(undefined, () => want(piece)));
  }

  async #inPieces<T>(items: readonly T[], take: (piece: readonly T[]) => void): Promise<void> {
    const { turns } = this.#parts;
    for (const piece of pieces(items, limits.departuresToldAtOnceMax)) {
      if (turns.isOver) await turns.next();
      take(piece);
    }
  }

  /** As `AdmissionPipeline.takeAway`. */
  async takeAway(ids: readonly string[], reason: string): Promise<number> {
    const { store, writer, failures, feed } = this.#parts;
    const { removed, written } = store.takeAway(ids, reason);
    const effects = writer.effectsOf(removed);
    await written;
    // Of one that came just before, listeners hear first that it came.
    await writer.announced();
    feed.emitRemoved({ removed });
    failures.attempt(removed[0]?.id, () => {
      if (effects.length > 0) this.#parts.effects.run(effects);
    });
    return removed.length;
  }
}
