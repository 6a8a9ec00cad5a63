import { reaches } from '../../config/limit-use.js';
import { limits } from '../../config/limits.js';
import { type BareRepositories, ownerOf, textOf } from '../../git/bare-repositories.js';
import type { RepositoryLocks } from '../../git/locks/repository-locks.js';
import { errorMessage } from '../../lib/errors.js';
import { TaskGroup } from '../../lib/task-group.js';
import { KeyedLocks } from '../../lib/turns/keyed-locks.js';
import type { Effect, EffectRunner } from '../../policy/decision.js';
import type { RepositoryDirectory } from '../../repositories/repository-directory.js';
import type { HostingLog } from '../hosting-log.js';
import type { CopyPlaces } from './copy-places.js';
import type { ObjectCopies, ObjectCopy } from './object-copies.js';

export type BackgroundCopyParts = {
  readonly directory: Pick<RepositoryDirectory, 'isServed'>;
  readonly repositories: Pick<BareRepositories, 'exists'>;
  readonly locks: RepositoryLocks;
  /** Sets refs that waited for objects. */
  readonly alignment: EffectRunner;
  readonly log: HostingLog;
};

/** A copy that belongs to others for the same event, and is made only as long as it is wanted. */
export type BackgroundCopy = ObjectCopy & {
  readonly copies: ObjectCopies;
  readonly isWanted: () => boolean;
  /** Which refs follow. */
  readonly effect: Effect;
  /** What else does, once the objects are there. */
  readonly onHere?: () => Promise<void>;
};

/**
 * Copies that take long, or to a repository that others work on: nobody waits for them. One at a time for each repository that is
 * copied from, of what its states name and of what is only proposed, and few at once; what fails, or is too much, is left out.
 * They end with the signal.
 */
export class BackgroundCopies {
  readonly #parts: BackgroundCopyParts;
  readonly #tasks: TaskGroup;
  /** Not those of the parts: nothing that changes a repository waits for these. */
  readonly #turns = new KeyedLocks();
  readonly #places: CopyPlaces;
  #size = 0;

  constructor(parts: BackgroundCopyParts, places: CopyPlaces, signal: AbortSignal) {
    this.#parts = parts;
    this.#places = places;
    this.#tasks = new TaskGroup(signal);
  }

  add(copy: BackgroundCopy): void {
    if (reaches('backgroundCopiesMax', this.#size)) {
      this.#parts.log.warn({ ...copy.to }, 'objects are not copied: too many copies wait');
      return;
    }
    this.#size += 1;
    this.#tasks.spawn(async (signal) => {
      try {
        const { from, effect } = copy;
        await this.#turns.use(`${effect.type} ${textOf(from)}`, signal, () =>
          this.#places.use(`${effect.type} ${ownerOf(from)}`, signal, (ending) => this.#make(copy, ending)),
        );
      } catch (error) {
        if (signal.aborted) return;
        this.#parts.log.warn({ ...copy.to, error: errorMessage(error) }, 'objects could not be copied');
      } finally {
        this.#size -= 1;
      }
    });
  }

  /** Waits until all copies were made or given up. */
  async ended(): Promise<void> {
    await this.#tasks.join();
  }

  async #make(copy: BackgroundCopy, signal: AbortSignal): Promise<void> {
    const { locks, alignment, log } = this.#parts;
    const { to, copies, effect, onHere } = copy;
    if (!(await this.#isWanted(copy))) return;
    const outcome = await copies.copy(copy, {
      msMax: limits.pushCheckMsMax,
      signal,
      // It may have been removed since.
      moveIn: (move) =>
        locks.use(to, signal, async () => {
          if (await this.#isWanted(copy)) await move();
        }),
    });
    if (outcome !== 'here') {
      log.info({ ...to, outcome }, 'objects were not copied');
      return;
    }
    alignment.run([effect]);
    await onHere?.();
  }

  async #isWanted({ to, isWanted }: BackgroundCopy): Promise<boolean> {
    const { directory, repositories } = this.#parts;
    return directory.isServed(to) && isWanted() && (await repositories.exists(to));
  }
}
