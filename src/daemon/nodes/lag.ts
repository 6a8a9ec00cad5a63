import type { Clock } from '../../lib/clock.js';

/** Something that was written, all up to this sequence, and when it was told, in the clock's monotonic milliseconds. */
type Told = { readonly sequence: number; readonly atMs: number };

/** How far a follower is behind. */
export type Behind = {
  /** Sequences that were written, as far as was told, and are not served there yet; not all are of events. */
  readonly events: number;
  /** For how long some of them have not been, in milliseconds. */
  readonly ms: number;
};

/**
 * How far a follower is behind what it was told of. Of what is told while it takes over what was told before, the first and
 * the last are known: so its times are too long by what one such step takes, at most, and nothing gathers here.
 */
export class Lag {
  readonly #clock: Pick<Clock, 'monotonic'>;
  #written = 0;
  #reached: number;
  /** What was told first of what is not served there yet, and what was told since. */
  #first: Told | undefined;
  #later: Told | undefined;

  /** `reached`: up to which sequence all is served there. */
  constructor(clock: Pick<Clock, 'monotonic'>, reached: number) {
    this.#clock = clock;
    this.#reached = reached;
  }

  get behind(): Behind {
    return {
      events: Math.max(0, this.#written - this.#reached),
      ms: this.#first === undefined ? 0 : this.#clock.monotonic() - this.#first.atMs,
    };
  }

  /** It is told that all up to this sequence is written. */
  told(sequence: number): void {
    if (sequence <= Math.max(this.#written, this.#reached)) return;
    this.#written = sequence;
    const atMs = this.#clock.monotonic();
    if (this.#first === undefined) this.#first = { sequence, atMs };
    else this.#later = { sequence, atMs: this.#later?.atMs ?? atMs };
  }

  /** All up to this sequence is served there. Gives after how many milliseconds, where something was waited for. */
  reached(sequence: number): number | undefined {
    this.#reached = Math.max(this.#reached, sequence);
    const first = this.#first;
    if (first === undefined || sequence < first.sequence) return undefined;
    this.#first = this.#later !== undefined && this.#later.sequence > sequence ? this.#later : undefined;
    this.#later = undefined;
    return this.#clock.monotonic() - first.atMs;
  }
}
