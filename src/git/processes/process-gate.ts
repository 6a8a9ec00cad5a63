import { Slots } from '../../lib/turns/slots.js';
import { GitError } from '../git-error.js';

export type ProcessGateSettings = {
  /** Processes that run at once. */
  readonly runningMax: number;
  /** Most that wait for their turn. */
  readonly waitingMax: number;
};

/**
 * Lets a limited number of processes of one sort run at once; the others wait in the order in which they came, and are
 * refused when too many wait. One party has half of the places at most, to run and to wait: whoever reads slowly on all
 * of theirs leaves the other half to others.
 */
export class ProcessGate {
  readonly #slots: Slots;
  readonly #settings: ProcessGateSettings;
  /** Those of whom something runs or waits. */
  readonly #parties = new Map<string, Slots>();
  #waiting = 0;

  constructor(settings: ProcessGateSettings) {
    this.#settings = settings;
    this.#slots = new Slots(settings.runningMax);
  }

  get running(): number {
    return this.#slots.inUse;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Enters; gives the way out, which works once. Rejects with `GitError` (`git_busy`) at once where too many wait, and with
   * the signal's reason when that aborts while waiting. `party`: whom it is for, `undefined` for those who have no share.
   */
  async enter(signal: AbortSignal, party?: string): Promise<() => void> {
    const own = party === undefined ? undefined : this.#slotsOf(party);
    if (this.#isFull(own)) {
      this.#forget(party, own);
      throw new GitError('git_busy', 'too many git requests are being served; try again later');
    }
    this.#waiting += 1;
    try {
      const leaveOwn = await own?.enter(signal);
      const leave = await this.#slots.enter(signal).catch((error: unknown) => {
        leaveOwn?.();
        throw error;
      });
      return () => {
        leave();
        leaveOwn?.();
        this.#forget(party, own);
      };
    } finally {
      this.#waiting -= 1;
      this.#forget(party, own);
    }
  }

  #isFull(own: Slots | undefined): boolean {
    const { waitingMax } = this.#settings;
    const isOwnFull = own !== undefined && own.inUse >= own.capacity;
    if (isOwnFull && own.waiting >= half(waitingMax)) return true;
    const mustWait = isOwnFull || this.#slots.inUse >= this.#slots.capacity;
    return mustWait && this.#waiting >= waitingMax;
  }

  #slotsOf(party: string): Slots {
    let slots = this.#parties.get(party);
    if (slots === undefined) {
      slots = new Slots(half(this.#settings.runningMax));
      this.#parties.set(party, slots);
    }
    return slots;
  }

  #forget(party: string | undefined, own: Slots | undefined): void {
    if (party !== undefined && own?.inUse === 0 && own.waiting === 0) this.#parties.delete(party);
  }
}

function half(number: number): number {
  return Math.ceil(number / 2);
}
