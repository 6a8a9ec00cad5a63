import type { AcceptedEvent, Admission } from '../admission/admission.js';
import type { Clock } from '../lib/clock.js';
import { InvalidEventError, type NostrEvent } from '../nostr/event.js';
import { isRootKind, kinds, rootKinds } from '../nostr/kinds.js';
import { type Announcement, parseAnnouncement } from '../nostr/repository.js';
import type { EventStore } from '../store/event-store.js';
import type { FilterService } from './filter.js';
import { Wakeup } from './wakeup.js';

/**
 * Keeps the filters equal to what is stored: read once from the store, then from the feed, with changes gathered over
 * a window. Nothing is read again.
 */
export class StoredTopics {
  readonly #store: EventStore;
  readonly #admission: Admission;
  readonly #clock: Clock;
  readonly #filters: FilterService;
  readonly #windowMs: number;
  #isLoaded = false;
  /** What left the store while it was being read; undefined afterwards. */
  #removedMeanwhile: Set<string> | undefined = new Set();
  readonly #changed = new Wakeup();

  constructor(parts: {
    readonly store: EventStore;
    readonly admission: Admission;
    readonly clock: Clock;
    readonly filters: FilterService;
    readonly windowMs: number;
  }) {
    this.#store = parts.store;
    this.#admission = parts.admission;
    this.#clock = parts.clock;
    this.#filters = parts.filters;
    this.#windowMs = parts.windowMs;
  }

  /** Whether the stored announcements have been read: which relays there are is known. */
  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /**
   * Calls `onChanges` when the stored announcements have been read, when the roots have been, which are many more, and
   * then once per window in which something changed.
   */
  async run(signal: AbortSignal, onChanges: () => void): Promise<void> {
    const { feed } = this.#admission;
    const stopAccepted = feed.onAccepted((accepted) => this.#onAccepted(accepted));
    const stopRemoved = feed.onRemoved(({ removed }) => {
      for (const { id } of removed) this.#onRemoved(id);
    });
    const onAbort = () => this.#changed.notify();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await this.#load([kinds.repositoryAnnouncement], signal);
      this.#isLoaded = true;
      onChanges();
      await this.#load(rootKinds, signal);
      this.#removedMeanwhile = undefined;
      for (;;) {
        onChanges();
        await this.#changed.wait();
        await this.#clock.sleep(this.#windowMs, signal);
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      stopRemoved();
      stopAccepted();
    }
  }

  async #load(ofKinds: readonly number[], signal: AbortSignal): Promise<void> {
    for await (const chunk of this.#store.query([{ kinds: [...ofKinds] }])) {
      signal.throwIfAborted();
      for (const { event } of chunk) if (this.#removedMeanwhile?.has(event.id) === false) this.#take(event);
    }
  }

  #onAccepted({ event, stored }: AcceptedEvent): void {
    if (stored) this.#take(event);
  }

  #onRemoved(id: string): void {
    this.#removedMeanwhile?.add(id);
    this.#filters.remove(id);
    this.#changed.notify();
  }

  #take(event: NostrEvent): void {
    if (event.kind === kinds.repositoryAnnouncement) {
      const announcement = tryParseAnnouncement(event);
      if (announcement !== undefined) this.#filters.addAnnouncement(event, announcement);
    } else if (isRootKind(event.kind)) {
      this.#filters.addRoot(event);
    } else {
      return;
    }
    this.#changed.notify();
  }
}

/** A stored announcement that an older policy let in may be unreadable by now; it is not followed. */
function tryParseAnnouncement(event: NostrEvent): Announcement | undefined {
  try {
    return parseAnnouncement(event);
  } catch (error) {
    if (error instanceof InvalidEventError) return undefined;
    throw error;
  }
}
