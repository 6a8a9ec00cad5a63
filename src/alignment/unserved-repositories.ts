import { noteUse } from '../config/limit-use.js';
import type { BareRepositories } from '../git/bare-repositories.js';
import { isEmpty } from '../git/refs.js';
import { type Clock, hourMs } from '../lib/clock.js';
import type { RepositoryDirectory, RepositoryId } from '../repositories/repository-directory.js';

export type UnservedParts = {
  readonly directory: Pick<RepositoryDirectory, 'isServed' | 'isAnnounced'>;
  readonly repositories: BareRepositories;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  /** How long a repository that is no longer served stays on disk. */
  readonly graceMs: () => number;
  /** Closed repositories on disk above which one to which nothing was pushed goes at once. */
  readonly closedMax: number;
};

/**
 * Repositories on disk that are not served: those that are announced for elsewhere are closed, and those that were closed
 * long enough removed. One that no announcement ever named is left to `graspd doctor`.
 */
export class UnservedRepositories {
  readonly #parts: UnservedParts;
  /** Closed repositories on disk, as they were last counted and what came and went since. */
  #closed = 0;
  /** The wall clock before the monotonic one, as of the last look. */
  #clockOffsetMs: number;
  /** When the wall clock was last seen to have been set forward: what was noted by it before says nothing about time since. */
  #setForwardAt = Number.NEGATIVE_INFINITY;

  constructor(parts: UnservedParts) {
    this.#parts = parts;
    this.#clockOffsetMs = offsetOf(parts.clock);
  }

  /** Those that `leave` is to be called for; counts the closed ones. */
  async *onDisk(): AsyncGenerator<RepositoryId> {
    const { directory, repositories } = this.#parts;
    let closed = 0;
    for await (const repository of repositories.list()) {
      if (directory.isServed(repository)) continue;
      const isClosed = (await repositories.closedSince(repository)) !== undefined;
      if (isClosed) closed += 1;
      if (isClosed || directory.isAnnounced(repository)) yield repository;
    }
    this.#closed = closed;
  }

  /** A closed one is served again. */
  reopened(): void {
    this.#closed -= 1;
  }

  /** Closes one, or removes it when its grace period is over; answers what was done. */
  async leave(repository: RepositoryId): Promise<'closed' | 'removed' | undefined> {
    const { repositories, clock, graceMs, closedMax } = this.#parts;
    if (!(await repositories.exists(repository))) return undefined;
    const now = clock.now();
    const setForwardAt = this.#lastSetForward();
    const since = await repositories.closedSince(repository);
    noteUse('closedRepositoriesMax', this.#closed);
    if (since === undefined && this.#closed >= closedMax) {
      // Whoever announces and deletes without end fills the disk with nothing; what was pushed is kept all the same.
      const holdsNothing = await isEmpty(repositories.pathOf(repository)).catch(() => false);
      if (holdsNothing) return await this.#remove(repository);
    }
    if (since === undefined || since > now || since < setForwardAt) {
      await repositories.close(repository, now);
      if (since === undefined) this.#closed += 1;
      return 'closed';
    }
    if (now - since < graceMs()) return undefined;
    this.#closed -= 1;
    return await this.#remove(repository);
  }

  /**
   * A machine that keeps no time while it is off starts in the past and learns the time later; to a repository that was closed
   * before, years went by in a moment then. A jump that is small beside the grace period shortens it a little.
   */
  #lastSetForward(): number {
    const { clock, graceMs } = this.#parts;
    const offset = offsetOf(clock);
    if (offset - this.#clockOffsetMs > Math.max(hourMs, graceMs() / 2)) this.#setForwardAt = clock.now();
    this.#clockOffsetMs = offset;
    return this.#setForwardAt;
  }

  async #remove(repository: RepositoryId): Promise<'removed'> {
    await this.#parts.repositories.remove(repository);
    return 'removed';
  }
}

function offsetOf(clock: UnservedParts['clock']): number {
  return clock.now() - clock.monotonic();
}
