import { limits } from '../config/limits.js';
import { type Clock, unixSeconds } from '../lib/clock.js';
import type { NostrEvent } from '../nostr/event.js';

/**
 * The one look at how far ahead of our clock events are dated, whoever sends them. Which of them other relays sent is
 * remembered for as long as the process lives, to be asked for when their time has come.
 */
export class EventDates {
  readonly #clock: Clock;
  /** By id, the `created_at` of events that came too early. */
  readonly #early = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Why an event is refused for its date, if it is. */
  refusalOf({ created_at }: NostrEvent): string | undefined {
    return created_at > this.#latest() ? 'invalid: created_at is too far in the future' : undefined;
  }

  /** Remembers an event that came too early; the oldest of too many is forgotten. */
  remember({ id, created_at }: NostrEvent): void {
    this.#early.set(id, created_at);
    if (this.#early.size <= limits.earlyEventsMax) return;
    for (const oldest of this.#early.keys()) {
      this.#early.delete(oldest);
      return;
    }
  }

  /** The ids of those whose time has come; they are forgotten. */
  takeDue(): string[] {
    const latest = this.#latest();
    const due = [...this.#early].flatMap(([id, createdAt]) => (createdAt <= latest ? [id] : []));
    for (const id of due) this.#early.delete(id);
    return due;
  }

  #latest(): number {
    return unixSeconds(this.#clock) + limits.createdAtAheadSecondsMax;
  }
}
