import { reaches } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import type { RepositoryLocks } from '../git/locks/repository-locks.js';
import { Slots } from '../lib/turns/slots.js';
import type { RepositoryId } from '../repositories/repository-directory.js';

/**
 * Places for those who align repositories. Nobody waits for the lock of a repository in a place: pushes that take long there
 * would keep all others from being aligned. Nor with the lock for a place, but who had to wait for the lock: a push would wait
 * for what is done elsewhere. So who has a place comes to an end, and who has a lock to a place.
 */
export class AlignmentPlaces {
  readonly #locks: RepositoryLocks;
  readonly #slots = new Slots(limits.alignmentsAtOnceMax);
  /** Those who found their repository locked. */
  #held = 0;

  constructor(locks: RepositoryLocks) {
    this.#locks = locks;
  }

  /** Whether there is a place for one more. */
  get isAny(): boolean {
    const working = this.#slots.inUse + this.#slots.waiting;
    return !reaches('alignmentsAtOnceMax', working) && !reaches('alignmentsHeldUpMax', this.#held);
  }

  /**
   * Runs work alone on a repository, in a place, which is taken in this turn. Where others work on the repository `onHeldUp` is
   * called when the place is free again. Rejects with the signal's reason when that aborts while waiting.
   */
  async use(
    repository: RepositoryId,
    signal: AbortSignal,
    work: () => Promise<void>,
    onHeldUp: () => void,
  ): Promise<void> {
    const outcome = await this.#slots.use(signal, () => this.#locks.useIfFree(repository, signal, work));
    if (outcome !== 'busy') return;
    this.#held += 1;
    try {
      onHeldUp();
      await this.#locks.use(repository, signal, () => this.#slots.use(signal, work));
    } finally {
      this.#held -= 1;
    }
  }
}
