import { KeyedLocks } from '../../lib/turns/keyed-locks.js';
import { type RepositoryKey, textOf } from '../bare-repositories.js';

/** Whether objects of a repository may have been removed since it was begun. */
export type RemovalWatch = Disposable & { readonly hasRemoved: boolean };

type Watch = { readonly key: string; hasRemoved: boolean };

/**
 * Keeps those apart who work on one repository. Each has a lock of its own, whatever its identifier: anybody may announce one
 * of that, and is not to keep others waiting by what happens there.
 */
export class RepositoryLocks {
  /** Of whoever changes a repository. */
  readonly #changes = new KeyedLocks();
  /** Of whoever writes its packs anew beside changes, and who cannot have that. */
  readonly #packs = new KeyedLocks();
  readonly #watches = new Set<Watch>();

  /** Runs work that changes a repository, alone. Rejects with the signal's reason when that aborts while waiting. */
  async use<T>(repository: RepositoryKey, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return await this.#changes.use(textOf(repository), signal, work);
  }

  /**
   * The same where nobody works on the repository, or waits for that. Who is alone on one may change another only so: two who
   * wait for one another would never end.
   */
  async useIfFree<T>(
    repository: RepositoryKey,
    signal: AbortSignal,
    work: () => Promise<T>,
  ): Promise<T | 'busy'> {
    return await this.#changes.useIfFree(textOf(repository), signal, work);
  }

  /** As `use`, for work that gives way: the signal that it gets aborts as soon as somebody else waits. */
  async useYielding<T>(
    repository: RepositoryKey,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    return await this.#changes.useYielding(textOf(repository), signal, work);
  }

  /**
   * Runs work that writes packs anew and loses no object, neither what is here nor what comes meanwhile: changes need not wait
   * for it. The signal that it gets aborts for `useStill`.
   */
  async useBeside<T>(
    repository: RepositoryKey,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    return await this.#packs.useYielding(textOf(repository), signal, work);
  }

  /** Runs work that removes a repository, or reads its files one by one; the caller is alone. What works beside is ended. */
  async useStill<T>(repository: RepositoryKey, work: () => Promise<T>): Promise<T> {
    return await this.#packs.use(textOf(repository), never, work);
  }

  /**
   * Watches, until disposed of, whether objects are removed that nothing refers to. Who looks at objects without being alone may
   * see what is being removed: what was seen holds, for whoever is alone later, where nothing was since the watch began.
   */
  watchRemovals(repository: RepositoryKey): RemovalWatch {
    const watch: Watch = { key: textOf(repository), hasRemoved: false };
    this.#watches.add(watch);
    return {
      get hasRemoved() {
        return watch.hasRemoved;
      },
      [Symbol.dispose]: () => void this.#watches.delete(watch),
    };
  }

  /** To be called by whoever may have removed such objects, once that has ended, and before others may change the repository. */
  tellRemoval(repository: RepositoryKey): void {
    const key = textOf(repository);
    for (const watch of this.#watches) if (watch.key === key) watch.hasRemoved = true;
  }

  /** How many are locked. */
  get size(): number {
    return this.#changes.size + this.#packs.size;
  }
}

/** What works beside ends within the time that a git process has for that. */
const never = new AbortController().signal;
