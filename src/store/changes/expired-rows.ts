import { limits } from '../../config/limits.js';
import { type Clock, unixSeconds } from '../../lib/clock.js';
import { SlicedLoop } from '../../lib/turns/sliced-loop.js';
import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';
import type { Backend } from '../backend.js';
import { Hiding, isDue, isStored } from '../index/due-rows.js';
import type { EventIndex } from '../index/event-index.js';

export type ExpiryParts = {
  readonly index: EventIndex;
  readonly backend: Pick<Backend, 'isStopped'>;
  readonly clock: Clock;
  /** Those in which what has expired is let go of. */
  readonly turns: WorkTurns;
  /** Lets go of a row that is due; `time` is when it expired, in seconds since 1970. */
  readonly evict: (row: number, time: number) => void;
};

/**
 * What expires (NIP-40). It is out of all answers at once, or, where it is very much, in a few turns, and let go of in as many
 * turns as that takes: anybody may have very much expire in the same second.
 */
export class ExpiredRows {
  readonly #parts: ExpiryParts;
  readonly #evicting: SlicedLoop;
  /** The time at which what is due was hidden last, in seconds since 1970. */
  #hiddenAt = 0;
  /** While not all that is due is hidden. */
  #hiding: Hiding | undefined;
  #isEnded = false;

  constructor(parts: ExpiryParts) {
    this.#parts = parts;
    this.#evicting = new SlicedLoop(parts.turns, () => this.#hideSome() || this.#evictFirst());
  }

  /** Hides what has expired by now, and lets go of as much as there is time for in this turn; the rest follows. */
  letGo(): void {
    const { index, clock } = this.#parts;
    if (index.expirations.size === 0 || !this.#mayEvict) return;
    const now = unixSeconds(clock);
    if (now !== this.#hiddenAt) this.#hiding ??= new Hiding(index, now);
    this.#hideSome();
    if (this.#hiding !== undefined || this.#isFirstOver) this.#evicting.begin();
  }

  /** Lets go of nothing more: what is left expires again at the next start. */
  end(): void {
    this.#isEnded = true;
  }

  get #mayEvict(): boolean {
    return !this.#isEnded && !this.#parts.backend.isStopped;
  }

  /** Whether the first of the rows that expire was hidden, or has gone otherwise. */
  get #isFirstOver(): boolean {
    const { index } = this.#parts;
    const { size, row, sequence } = index.expirations;
    return size > 0 && !index.isCurrent(row, sequence, isStored);
  }

  /** Hides some of what is due; whether there was anything to hide. */
  #hideSome(): boolean {
    if (this.#hiding === undefined || !this.#mayEvict) return false;
    if (this.#hiding.next(limits.expiredHiddenAtOnceMax)) {
      this.#hiddenAt = this.#hiding.now;
      this.#hiding = undefined;
    }
    return true;
  }

  /** Lets go of that one; whether there was one. */
  #evictFirst(): boolean {
    if (!this.#mayEvict || !this.#isFirstOver) return false;
    const { index, evict } = this.#parts;
    const { row, sequence, time } = index.expirations;
    index.expirations.pop();
    if (index.isCurrent(row, sequence, isDue)) evict(row, time);
    return true;
  }
}
