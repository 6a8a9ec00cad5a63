import { noteUse } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import { type Clock, unixSeconds } from '../lib/clock.js';
import { PartyShares } from '../lib/collections/party-shares.js';
import type { NostrEvent } from '../nostr/event.js';
import { relayHost } from '../nostr/relay-url.js';

const tooEarly = 'invalid: created_at is too far in the future';

/** Whether that is what is said of an event that is dated too far ahead: its time comes. */
export function isDateRefusal(reason: string): boolean {
  return reason === tooEarly;
}

/**
 * The one look at how far ahead of our clock events are dated, whoever sends them. Which of them other relays sent, with a
 * signature that is right, is remembered for as long as the process lives, to be asked for when their time has come; a
 * restart forgets the refusals themselves (`isDateRefusal`), so that catch-up looks at those events again.
 */
export class EventDates {
  readonly #clock: Clock;
  /** By id, the `created_at` of events that came too early, the host that sent each being the party. */
  readonly #early = new PartyShares<number>(limits.earlyEventsMax);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Why an event is refused for its date, if it is. */
  refusalOf({ created_at }: NostrEvent): string | undefined {
    return created_at > this.#latest() ? tooEarly : undefined;
  }

  /** Remembers an event that a relay sent too early; gives the id of the one that is forgotten, where there are too many. */
  remember({ id, created_at }: NostrEvent, relay: string): string | undefined {
    const forgotten = this.#early.add(id, created_at, relayHost(relay));
    noteUse('earlyEventsMax', this.#early.size);
    return forgotten;
  }

  /** The ids of those whose time has come; they are forgotten. */
  takeDue(): string[] {
    const latest = this.#latest();
    const due = this.#early.keysOf((createdAt) => createdAt <= latest);
    for (const id of due) this.#early.delete(id);
    return due;
  }

  #latest(): number {
    return unixSeconds(this.#clock) + limits.createdAtAheadSecondsMax;
  }
}
