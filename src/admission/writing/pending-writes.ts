import { reaches } from '../../config/limit-use.js';
import { SlicedQueue } from '../../lib/turns/sliced-queue.js';
import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';

/** The events that one write of the store brings to disk. */
type WriteGroup<W> = { readonly written: Promise<void>; readonly events: W[] };

/** What is done with events that were put. Nothing of it may throw. */
export type WriteListener<W> = {
  /** What an event counts for while it waits. */
  bytesOf(event: W): number;
  /** A write began to gather; the result is called when it is on disk. */
  onBegin(): () => void;
  /** The event is on disk: whoever must not wait is told. */
  onWritten(event: W): void;
  /** After that, in the order in which the events were put: everybody else is told. */
  announce(event: W): void;
  /** So little waits again that more may be begun, of clients or of all. */
  onRoom(): void;
  /** The store failed. */
  onFailure(events: readonly W[], error: unknown): void;
};

/**
 * The events between their put and the end of what it sets off: they wait for their write, and then to be announced,
 * in slices of turns, for a write of hundreds would hold the event loop up.
 */
export class PendingWrites<W> {
  readonly #listener: WriteListener<W>;
  readonly #announcements: SlicedQueue;
  #gathering: WriteGroup<W> | undefined;
  #bytes = 0;

  constructor(turns: WorkTurns, listener: WriteListener<W>) {
    this.#listener = listener;
    this.#announcements = new SlicedQueue(turns);
  }

  /**
   * Whether so little waits that more may be begun. What is not of clients has less room: their events stand behind all that
   * was put before them, and wait until that is written.
   */
  hasRoom(isOfClients: boolean): boolean {
    return !reaches(isOfClients ? 'writingBytesMax' : 'writingRemoteBytesMax', this.#bytes);
  }

  /** Takes an event that was put; `written` is the same promise for all events of one write. */
  add(event: W, written: Promise<void>): void {
    this.#bytes += this.#listener.bytesOf(event);
    if (this.#gathering?.written === written) {
      this.#gathering.events.push(event);
      return;
    }
    const group: WriteGroup<W> = { written, events: [event] };
    this.#gathering = group;
    const finished = this.#listener.onBegin();
    written.then(
      () => {
        finished();
        this.#end(group);
        for (const each of group.events) this.#listener.onWritten(each);
        for (const each of group.events) this.#announcements.push(() => this.#announce(each));
      },
      (error) => {
        this.#end(group);
        for (const each of group.events) this.#evict(each);
        this.#listener.onFailure(group.events, error);
      },
    );
  }

  /** Settles when all that is on disk by now has been announced. */
  announced(): Promise<void> {
    return this.#announcements.drained();
  }

  #end(group: WriteGroup<W>): void {
    if (this.#gathering === group) this.#gathering = undefined;
  }

  #announce(event: W): void {
    this.#listener.announce(event);
    this.#evict(event);
  }

  #evict(event: W): void {
    const had = [this.hasRoom(true), this.hasRoom(false)];
    this.#bytes -= this.#listener.bytesOf(event);
    const has = [this.hasRoom(true), this.hasRoom(false)];
    if (has.some((hasRoom, of) => hasRoom && !had[of])) this.#listener.onRoom();
  }
}
