import { reaches } from '../../config/limit-use.js';
import type { Reservation } from '../../lib/budgets/memory-budget.js';
import type { NostrEvent } from '../../nostr/event.js';
import { heldEventBytes } from '../held-memory.js';

/**
 * Where events go: `turn` resolves when the answers before this one have been handed on, `room` when one more event may
 * be delivered, `deliver` when the event has its outcome.
 */
export type EventWay = {
  turn(): Promise<void>;
  room(): Promise<void>;
  deliver(event: NostrEvent): Promise<void>;
};

/**
 * The answer to one request, handed on oldest first, and after the answers to the requests before it. Relays answer newest
 * first, and several requests in any order. But an event refers to older ones, and the policy refuses it, for the time
 * being, when they are not there.
 */
export class OldestFirst {
  readonly #way: EventWay;
  readonly #memory: Reservation;
  readonly #deliveries: Promise<void>[] = [];
  #handedOn: Promise<void> = Promise.resolve();
  #held: NostrEvent[] = [];
  #heldBytes = 0;
  /** Memory of what is held, and of the parts that are being handed on. */
  #memoryBytes = 0;

  /** `memory` is what the answer may hold. */
  constructor(way: EventWay, memory: Reservation) {
    this.#way = way;
    this.#memory = memory;
  }

  /**
   * Takes an event; of a long answer, or where there is no memory for more of it, a part goes on before its end, and
   * before its turn.
   */
  add(event: NostrEvent): void {
    const bytes = charsOf(event);
    this.#held.push(event);
    this.#heldBytes += bytes;
    this.#memoryBytes += memoryOf(1, bytes);
    const hasRoom = this.#memory.resize(this.#memoryBytes);
    if (reaches('downloadHeldBytesMax', this.#heldBytes) || !hasRoom) this.#flush(Promise.resolve());
  }

  /** The answer is complete: hands on what is held. Resolves when it was, and never rejects. */
  async end(): Promise<void> {
    this.#flush(this.#way.turn());
    await this.#handedOn.catch(() => {});
  }

  #flush(turn: Promise<void>): void {
    const part = this.#held.sort((a, b) => a.created_at - b.created_at);
    const bytes = memoryOf(part.length, this.#heldBytes);
    this.#held = [];
    this.#heldBytes = 0;
    this.#handedOn = Promise.all([this.#handedOn, turn])
      .then(async () => await this.#handOn(part))
      .finally(() => {
        this.#memoryBytes -= bytes;
        this.#memory.resize(this.#memoryBytes);
      });
    // Whether it fails is told by `delivered`, for which nobody waits when the connection broke.
    this.#handedOn.catch(() => {});
  }

  /** Resolves when each event that was handed on has its outcome. Rejects as the way does. */
  async delivered(): Promise<void> {
    await this.#handedOn;
    await Promise.all(this.#deliveries);
  }

  async #handOn(events: readonly NostrEvent[]): Promise<void> {
    for (const event of events) {
      await this.#way.room();
      this.#deliveries.push(this.#way.deliver(event));
    }
  }
}

/** Memory of so many events: as they were read, strings and objects. */
function memoryOf(events: number, bytes: number): number {
  return events * heldEventBytes + bytes;
}

/** The characters of what an event says; each counts as a byte. */
function charsOf({ content, tags }: NostrEvent): number {
  let chars = content.length;
  for (const tag of tags) for (const value of tag) chars += value.length;
  return chars;
}
