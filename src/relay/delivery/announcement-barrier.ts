import type { Admission } from '../../admission/admission.js';
import { limits } from '../../config/limits.js';
import type { Clock } from '../../lib/clock.js';
import type { EventStore } from '../../store/event-store.js';
import type { SubscriptionHub } from './subscription-hub.js';

/**
 * Tells when all that the store shows by now has been announced in the feed, and handed out. The index shows an event
 * from `put` on; the feed announces it once it is on disk. A query that runs between the two sends an event whose announcement
 * is still to come, and that must not be sent twice.
 */
export class AnnouncementBarrier {
  readonly #store: Pick<EventStore, 'flush'>;
  readonly #admission: Pick<Admission, 'isAnnounced' | 'announced'>;
  readonly #hub: Pick<SubscriptionHub, 'isDrained' | 'drained'>;
  readonly #clock: Clock;
  #current: Promise<void> | undefined;
  #following: Promise<void> | undefined;

  constructor(
    store: Pick<EventStore, 'flush'>,
    admission: Pick<Admission, 'isAnnounced' | 'announced'>,
    hub: Pick<SubscriptionHub, 'isDrained' | 'drained'>,
    clock: Clock,
  ) {
    this.#store = store;
    this.#admission = admission;
    this.#hub = hub;
    this.#clock = clock;
  }

  /** Whether nothing that the store shows is still to be announced or handed out. */
  get isOpen(): boolean {
    return this.#admission.isAnnounced && this.#hub.isDrained;
  }

  /** Settles when everything that was put before this call is announced (or never will be). Never rejects. */
  passed(): Promise<void> {
    if (this.#current === undefined) return this.#begin();
    // The flush under way may have begun before the latest put; the next one serves all who ask meanwhile.
    this.#following ??= this.#current.then(() => {
      this.#following = undefined;
      return this.#current ?? this.#begin();
    });
    return this.#following;
  }

  #begin(): Promise<void> {
    this.#current = this.#flushed().finally(() => {
      this.#current = undefined;
    });
    return this.#current;
  }

  async #flushed(): Promise<void> {
    try {
      await this.#store.flush();
    } catch {
      // A store that cannot write announces nothing more; whoever put the events reports it.
    }
    await this.#admission.announced();
    // Not a lag that has to be allowed for, but the pace of those who ask again and again.
    await this.#clock.sleep(limits.announcementPauseMs);
    await this.#hub.drained();
  }
}
