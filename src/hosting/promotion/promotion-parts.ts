import { alignRefs, type WantedRepository } from '../../git/align-refs.js';
import type { BareRepositories, RepositoryKey } from '../../git/bare-repositories.js';
import { removeBlockers } from '../../git/locks/blockers.js';
import type { Refs } from '../../git/ref-plan.js';
import { isAbort } from '../../lib/abort.js';
import type { Clock } from '../../lib/clock.js';
import { errorMessage } from '../../lib/errors.js';
import type { NostrEvent } from '../../nostr/event.js';
import type { Purgatory } from '../../purgatory/purgatory.js';
import type { RepositoryDirectory, RepositoryId } from '../../repositories/repository-directory.js';
import type { EventStore } from '../../store/event-store.js';
import type { PrsAlignment } from '../prs/prs-alignment.js';
import type { BackgroundCopyParts } from './background-copies.js';
import type { CopyParts } from './object-copies.js';

export type PromotionParts = CopyParts &
  BackgroundCopyParts & {
    readonly directory: RepositoryDirectory;
    readonly store: Pick<EventStore, 'get' | 'has' | 'idsInTurns'>;
    readonly purgatory: Purgatory;
    /** Takes a held event to the store and the feed; resolves when it is stored, or will not be. */
    readonly promote: (event: NostrEvent) => Promise<void>;
    readonly repositories: BareRepositories;
    /** Told of every repository whose refs or `HEAD` were changed. */
    readonly refsChanged: (gitDir: string) => void;
    readonly clock: Clock;
    /** Bytes of proposals that may still come into a repository. */
    readonly proposalRoomFor: (repository: RepositoryId) => number;
    /** Repositories of pull requests of people who have none here (GRASP-06), where there are such. */
    readonly prs?: Pick<PrsAlignment, 'repositoriesOf' | 'onEvent' | 'align' | 'removeIfEmpty'> | undefined;
  };

/** For copies of what is only proposed: they leave a part of each repository to its maintainers, as pushes do. */
export function proposalParts(parts: PromotionParts): CopyParts {
  return { ...parts, roomFor: parts.proposalRoomFor };
}

/**
 * Makes refs and `HEAD` what they are to be. Where a killed git left locks behind they go, and it is done once more: what is
 * promoted after a start has nobody who would try again. `known`: the refs, where they were just read.
 */
export async function setRefs(
  { git, repositories, refsChanged, clock }: PromotionParts,
  repository: RepositoryKey,
  wanted: Partial<WantedRepository>,
  known?: Refs,
): Promise<void> {
  const gitDir = repositories.pathOf(repository);
  const whole = { declared: undefined, head: undefined, pullRequests: new Map(), ...wanted };
  try {
    await alignRefs(git, gitDir, whole, known);
  } catch (error) {
    if ((await removeBlockers(gitDir, clock.now())) === 0) throw error;
    await alignRefs(git, gitDir, whole);
  } finally {
    // Some of them may have moved.
    refsChanged(gitDir);
  }
}

/** What goes wrong in another repository than that which was pushed to is not the fault of who pushed. */
export async function despiteFaults(
  { log }: Pick<PromotionParts, 'log'>,
  signal: AbortSignal,
  repository: RepositoryKey,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (isAbort(error, signal)) throw error;
    const details = { ...repository, error: errorMessage(error) };
    log.warn(details, 'a repository could not follow what was pushed to another');
  }
}
