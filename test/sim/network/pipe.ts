import type { Clock } from '../../../src/lib/clock.js';
import type { Random } from '../../../src/lib/random.js';

/** How fast one direction of a connection is. */
export type LinkSpeed = {
  readonly latencyMs: number;
  /** Up to this much is added to each frame's latency; frames never overtake one another. */
  readonly jitterMs: number;
  readonly bytesPerMs: number;
};

/** One direction of a connection: frames arrive in order, after the time that their bytes and the way take. */
export class Pipe<Frame> {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #speed: LinkSpeed;
  readonly #deliver: (frame: Frame) => void;
  readonly #queue: { readonly arrivesAt: number; readonly frame: Frame }[] = [];
  #leftAt = 0;
  #lastArrival = 0;
  #scheduled = false;
  #cut = false;

  constructor(clock: Clock, random: Random, speed: LinkSpeed, deliver: (frame: Frame) => void) {
    this.#clock = clock;
    this.#random = random;
    this.#speed = speed;
    this.#deliver = deliver;
  }

  /** Bytes that were given and have not left yet. */
  get bufferedBytes(): number {
    return Math.ceil(Math.max(0, this.#leftAt - this.#clock.monotonic()) * this.#speed.bytesPerMs);
  }

  push(frame: Frame, bytes: number): void {
    if (this.#cut) return;
    const now = this.#clock.monotonic();
    this.#leftAt = Math.max(now, this.#leftAt) + bytes / this.#speed.bytesPerMs;
    const onTheWayMs = this.#speed.latencyMs + this.#random.next() * this.#speed.jitterMs;
    const arrivesAt = Math.max(this.#lastArrival, Math.ceil(this.#leftAt + onTheWayMs));
    this.#lastArrival = arrivesAt;
    this.#queue.push({ arrivesAt, frame });
    this.#schedule();
  }

  /** Nothing arrives any more, not even what is on the way. */
  cut(): void {
    this.#cut = true;
    this.#queue.length = 0;
  }

  #schedule(): void {
    const next = this.#queue[0];
    if (next === undefined || this.#scheduled) return;
    this.#scheduled = true;
    this.#clock.after(next.arrivesAt - this.#clock.monotonic(), () => this.#arrive());
  }

  #arrive(): void {
    this.#scheduled = false;
    const now = this.#clock.monotonic();
    let count = 0;
    while (count < this.#queue.length && (this.#queue[count]?.arrivesAt ?? 0) <= now) count += 1;
    for (const { frame } of this.#queue.splice(0, count)) {
      if (this.#cut) return;
      this.#deliver(frame);
    }
    this.#schedule();
  }
}
