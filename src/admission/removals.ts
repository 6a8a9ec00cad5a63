import type { EffectRunner } from '../policy/decision.js';
import type { WaitingForRoom } from '../policy/waiting-for-room.js';
import type { EventStore } from '../store/event-store.js';
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
};

/** Lets events go that no other event replaces or deletes, and has follow what follows. */
export class Removals {
  readonly #parts: RemovalParts;

  constructor(parts: RemovalParts) {
    this.#parts = parts;
  }

  /** Removes what has expired (NIP-40) and forgets refusals whose time is over. */
  async sweep(): Promise<void> {
    const { store, writer, refusals, retries, failures, dates, feed, waitingForRoom, holding, want } =
      this.#parts;
    const { removed, lost, acceptable, written } = store.removeExpired();
    refusals.sweep();
    const fitting = waitingForRoom?.take() ?? [];
    holding?.sweep();
    const effects = writer.effectsOf(removed);
    // What follows is left out: damage of the disk closes no repository, and takes no ref.
    writer.effectsOf(lost);
    await written;
    feed.emitRemoved({ removed: [...removed, ...lost] });
    const due = dates.takeDue();
    for (const id of due) refusals.forget(id);
    failures.attempt(removed[0]?.id, () => {
      if (effects.length > 0) this.#parts.effects.run(effects);
      want([...acceptable, ...due]);
      if (fitting.length > 0) retries.begin(refusals.reviveIds(fitting));
    });
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
