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
 * refused when too many wait.
 */
export class ProcessGate {
  readonly #slots: Slots;
  readonly #waitingMax: number;

  constructor({ runningMax, waitingMax }: ProcessGateSettings) {
    this.#slots = new Slots(runningMax);
    this.#waitingMax = waitingMax;
  }

  get running(): number {
    return this.#slots.inUse;
  }

  get waiting(): number {
    return this.#slots.waiting;
  }

  /**
   * Enters; gives the way out, which works once. Rejects with `GitError` (`git_busy`) at once where too many wait, and with
   * the signal's reason when that aborts while waiting.
   */
  async enter(signal: AbortSignal): Promise<() => void> {
    const isFull = this.#slots.inUse >= this.#slots.capacity && this.#slots.waiting >= this.#waitingMax;
    if (isFull) throw new GitError('git_busy', 'too many git requests are being served; try again later');
    return await this.#slots.enter(signal);
  }
}
