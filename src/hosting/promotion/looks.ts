import { limits } from '../../config/limits.js';
import { ownerOf, type RepositoryKey, textOf } from '../../git/bare-repositories.js';
import type { RepositoryLocks } from '../../git/locks/repository-locks.js';
import { FairSlots } from '../../lib/turns/fair-slots.js';
import { KeyedLocks } from '../../lib/turns/keyed-locks.js';

type Look = { readonly eventIds: Set<string>; readonly done: Promise<void> };

/**
 * Looks for the git data of held events: strangers can have them made without end, each of which may move thousands of refs. So
 * one after the other waits to be alone on a repository, and not all of them before whoever pushes next; and few are made at
 * once, one owner of repositories after the other, for pushes have their commands run beside them.
 */
export class Looks {
  readonly #locks: Pick<RepositoryLocks, 'use' | 'useIfFree'>;
  readonly #signal: AbortSignal;
  /** By repository: whose turn it is to wait for its lock. */
  readonly #turns = new KeyedLocks();
  readonly #places = new FairSlots(limits.heldLooksAtOnceMax);
  /** Looks that were not begun, by repository. */
  readonly #waiting = new Map<string, Look>();

  constructor(locks: Pick<RepositoryLocks, 'use' | 'useIfFree'>, signal: AbortSignal) {
    this.#locks = locks;
    this.#signal = signal;
  }

  /** Looks, alone on the repository. Rejects as `look`, or with the signal's reason. */
  async make(repository: RepositoryKey, look: () => Promise<void>): Promise<void> {
    await this.#turns.use(textOf(repository), this.#signal, async () => {
      const lookIfFree = () => this.#locks.useIfFree(repository, this.#signal, look);
      const outcome = await this.#places.use(ownerOf(repository), this.#signal, lookIfFree);
      // Who waits for others on a repository keeps no place meanwhile: there are as few of these as there are others.
      if (outcome === 'busy') await this.#locks.use(repository, this.#signal, look);
    });
  }

  /**
   * The same for a look at all that is held of a repository, which is made once for all events for whose sake it is asked for
   * until it begins: it gets their ids.
   */
  async makeOne(
    repository: RepositoryKey,
    eventId: string,
    look: (eventIds: ReadonlySet<string>) => Promise<void>,
  ): Promise<void> {
    const name = textOf(repository);
    const waiting = this.#waiting.get(name);
    if (waiting !== undefined) {
      waiting.eventIds.add(eventId);
      return await waiting.done;
    }
    const eventIds = new Set([eventId]);
    const done = this.make(repository, async () => {
      this.#waiting.delete(name);
      await look(eventIds);
    });
    this.#waiting.set(name, { eventIds, done });
    await done;
  }
}
