import { alignRefs } from '../git/align-refs.js';
import type { BareRepositories } from '../git/bare-repositories.js';
import type { Git } from '../git/git-command.js';
import { removeBlockers } from '../git/locks/blockers.js';
import type { RepositoryLocks } from '../git/locks/repository-locks.js';
import type { RefChanges } from '../git/ref-changes.js';
import { isEmpty, readAllRefs } from '../git/refs.js';
import type { Clock } from '../lib/clock.js';
import type { Purgatory } from '../purgatory/purgatory.js';
import type { RepositoryDirectory, RepositoryId } from '../repositories/repository-directory.js';
import { storedPullRequests } from '../repositories/stored-pull-requests.js';
import type { EventStore } from '../store/event-store.js';
import type { AlignmentMetrics, RepositoryChange } from './alignment-metrics.js';
import { type AlignmentScope, type AlignmentWork, everything, keyOf } from './alignment-queue.js';
import type { UnservedParts, UnservedRepositories } from './unserved-repositories.js';
import { isNewerStateHeld, strayRefs, type WaitingEvents, wantedRepository } from './wanted-repository.js';

/** What the git side needs of a logger: pino's shape, details first. */
type AlignmentLog = {
  debug(details: object, message: string): void;
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
};

export type AlignerParts = UnservedParts & {
  readonly directory: RepositoryDirectory;
  readonly store: Pick<EventStore, 'get' | 'query' | 'has' | 'idsInTurns'>;
  readonly repositories: BareRepositories;
  readonly git: Git;
  readonly locks: RepositoryLocks;
  readonly refChanges: RefChanges;
  readonly purgatory: Pick<Purgatory, 'statesBy'> & WaitingEvents;
  readonly clock: Clock;
  readonly metrics: AlignmentMetrics;
  /** Told of each repository that was removed from the disk. */
  readonly onRemoved: (repository: RepositoryId) => void;
  readonly log: AlignmentLog;
};

/**
 * Makes one repository on disk what the stored events say: closed or removed where it is not served, else with the refs of its state
 * and of its pull requests.
 */
export class RepositoryAligner {
  readonly #parts: AlignerParts;
  readonly #unserved: UnservedRepositories;
  /** The state that was applied whole, by repository: it need not be applied again. */
  readonly #applied = new Map<string, string>();
  /** Repositories that have refs which wait for objects, as of the last look at each. */
  readonly #incomplete = new Map<string, RepositoryId>();
  #onIncomplete: (repository: RepositoryId) => void = () => {};

  constructor(parts: AlignerParts, unserved: UnservedRepositories) {
    this.#parts = parts;
    this.#unserved = unserved;
  }

  /** Has the listener told of each repository in which refs wait for objects: of those that are known, and at each look. */
  onIncomplete(listener: (repository: RepositoryId) => void): void {
    this.#onIncomplete = listener;
    for (const repository of this.#incomplete.values()) listener(repository);
  }

  /** Rejects where a step failed. */
  async align({ repository, scope, failures }: AlignmentWork): Promise<void> {
    const { directory, store, repositories, git, clock, refChanges } = this.#parts;
    const ensured = await repositories.ensure(repository);
    if (ensured === 'reopened') this.#unserved.reopened();
    if (ensured !== 'there') this.#tell(repository, ensured);
    const gitDir = repositories.pathOf(repository);
    if (failures > 0) await removeBlockers(gitDir, clock.now());
    const effective = this.#stillNeeded(repository, ensured === 'there' ? scope : everything);
    const stateId = directory.stateOf(repository)?.id;
    // Where nothing was pushed yet no pull request can have a ref, however many are stored.
    const hasObjects = !(await isEmpty(gitDir));
    const possible = hasObjects ? effective : { ...effective, pullRequests: new Set<string>() };
    const wanted = await wantedRepository(directory, store, repository, possible);
    const refs = possible.pullRequests === 'all' ? await readAllRefs(git, gitDir) : undefined;
    const strays = strayRefs(this.#parts, repository, refs ?? new Map());
    const pullRequests = new Map([
      ...wanted.pullRequests,
      ...strays.map((name) => [name, undefined] as const),
    ]);
    const whole = { ...wanted, pullRequests };
    const { waiting, changes, head } = await alignRefs(git, gitDir, whole, refs).catch((error: unknown) => {
      // Some of them may have moved.
      refChanges.announce(gitDir);
      throw error;
    });
    if (changes.length > 0 || head !== undefined) refChanges.announce(gitDir);
    if (wanted.declared !== undefined) {
      if (waiting.length === 0 && stateId !== undefined) this.#applied.set(keyOf(repository), stateId);
      else this.#applied.delete(keyOf(repository));
    }
    const waitingRefs = waiting.length;
    const lacksAll = !hasObjects && (await this.#namesObjects(repository));
    this.#noteIncomplete(repository, waitingRefs > 0 || lacksAll);
    this.#parts.log.debug({ ...repository, waitingRefs }, 'repository aligned with stored events');
  }

  #noteIncomplete(repository: RepositoryId, isIncomplete: boolean): void {
    if (!isIncomplete) {
      this.#incomplete.delete(keyOf(repository));
      return;
    }
    this.#incomplete.set(keyOf(repository), repository);
    this.#onIncomplete(repository);
  }

  /** Whether events name objects of a repository that has none at all. */
  async #namesObjects(repository: RepositoryId): Promise<boolean> {
    if (this.#parts.directory.stateOf(repository) !== undefined) return true;
    for await (const _ of storedPullRequests(this.#parts, repository)) return true;
    return false;
  }

  /**
   * Without the refs when the state that they follow was applied whole, and nothing says that they moved since; and while a
   * newer state is held: then pushes make them what that says, one by one.
   */
  #stillNeeded(repository: RepositoryId, scope: AlignmentScope): AlignmentScope {
    if (isNewerStateHeld(this.#parts, repository)) return { ...scope, refs: false };
    const applied = this.#applied.get(keyOf(repository));
    const isApplied = applied !== undefined && applied === this.#parts.directory.stateOf(repository)?.id;
    return isApplied && !scope.isForced ? { ...scope, refs: false } : scope;
  }

  /** Closes or removes one that is not served; nobody else may use it meanwhile. */
  async leave(repository: RepositoryId): Promise<void> {
    this.#applied.delete(keyOf(repository));
    const change = await this.#unserved.leave(repository);
    if (change === undefined) return;
    if (change === 'removed') {
      this.#incomplete.delete(keyOf(repository));
      this.#parts.onRemoved(repository);
    }
    this.#tell(repository, change);
  }

  #tell(repository: RepositoryId, change: RepositoryChange): void {
    this.#parts.refChanges.announce(this.#parts.repositories.pathOf(repository));
    this.#parts.metrics.countChange(change);
    this.#parts.log.info({ ...repository }, `repository ${change}`);
  }
}
