import { limits } from '../../config/limits.js';
import { isSameRepository, type RepositoryKey } from '../../git/bare-repositories.js';
import { isEmpty, readObjectTypes } from '../../git/refs.js';
import type { RepositoryId } from '../../repositories/repository-directory.js';
import type { CopyPlaces } from './copy-places.js';
import { ObjectCopies } from './object-copies.js';
import { type PromotionParts, proposalParts } from './promotion-parts.js';
import { prsSources, type WantedObject } from './prs-sources.js';

/**
 * Moves what was copied into its repository, under its lock, and lets follow what waited for it; false where the repository has
 * gone meanwhile.
 */
export type TakeIn = (repository: RepositoryId, move: () => Promise<void>) => Promise<boolean>;

/** What a repository lacks, and others here have. */
export class CopiesFromOthers {
  readonly #parts: PromotionParts;
  readonly #places: CopyPlaces;
  readonly #signal: AbortSignal;
  readonly #takeIn: TakeIn;

  constructor(parts: PromotionParts, places: CopyPlaces, signal: AbortSignal, takeIn: TakeIn) {
    this.#parts = parts;
    this.#places = places;
    this.#signal = signal;
    this.#takeIn = takeIn;
  }

  /**
   * Copies what a repository lacks from others here, as far as it is there: commits of pull requests from the repositories of
   * their signers (GRASP-06), all from those of its other maintainers that have the same identifier. What waited for it
   * follows. Gives whether anything came. Rejects with `GitError`, or with the signal's reason.
   */
  async copy(repository: RepositoryId, wanted: readonly WantedObject[]): Promise<boolean> {
    const { directory } = this.#parts;
    const { identifier } = repository;
    let isAny = false;
    const proposals = new ObjectCopies(proposalParts(this.#parts), limits.pullRequestCopyBytesMax, true);
    for (const { from, objectIds } of await prsSources(this.#parts, wanted))
      if (await this.#copyFrom(from, repository, objectIds, proposals)) isAny = true;
    const copies = new ObjectCopies(this.#parts, Number.POSITIVE_INFINITY, false);
    const all = wanted.map(({ objectId }) => objectId);
    const maintainers = [...directory.maintainersOf(repository)].slice(0, limits.gitAnnouncementsMax);
    for (const pubkey of maintainers) {
      const from = { pubkey, identifier };
      if (isSameRepository(from, repository) || !directory.isServed(from)) continue;
      if (await this.#copyFrom(from, repository, all, copies)) isAny = true;
    }
    return isAny;
  }

  /** Copies what is there of these objects; gives whether any came. */
  async #copyFrom(
    from: RepositoryKey,
    to: RepositoryId,
    objectIds: readonly string[],
    copies: ObjectCopies,
  ): Promise<boolean> {
    const { git, repositories } = this.#parts;
    if (!(await repositories.exists(from))) return false;
    const fromDir = repositories.pathOf(from);
    const there = (await isEmpty(fromDir)) ? new Map() : await readObjectTypes(git, fromDir, objectIds);
    if (there.size === 0) return false;
    let isIn = false;
    const moveIn = async (move: () => Promise<void>) => {
      isIn = await this.#takeIn(to, move);
    };
    const copy = { from, to, objectIds: [...there.keys()] };
    const outcome = await this.#places.use(`for ${to.pubkey}`, this.#signal, (signal) =>
      copies.copy(copy, { msMax: limits.pushCheckMsMax, signal, moveIn }),
    );
    return isIn && outcome === 'here';
  }
}
