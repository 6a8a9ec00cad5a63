import { limits } from '../config/limits.js';
import type { Filter } from '../nostr/filter.js';
import { repositoryAddress } from '../nostr/repository.js';
import type { EventStore } from '../store/event-store.js';
import { pullRequestKinds } from './pull-request.js';
import type { RepositoryDirectory, RepositoryId } from './repository-directory.js';

/** What tells which pull requests name a repository. */
export type PullRequestSources = {
  readonly directory: Pick<RepositoryDirectory, 'isAnnounced'>;
  readonly store: Pick<EventStore, 'idsInTurns'>;
};

/** The filter for the pull requests that name a repository. */
export function namingFilter({ pubkey, identifier }: RepositoryId): Filter {
  return { kinds: [...pullRequestKinds], '#a': [repositoryAddress(pubkey, identifier)] };
}

/**
 * The ids of the stored pull requests that name a repository, if it is announced: newest first, a thousand at most in a turn
 * of the event loop, for strangers may have made very many.
 */
export async function* storedPullRequests(
  { directory, store }: PullRequestSources,
  repository: RepositoryId,
): AsyncGenerator<readonly string[]> {
  if (!directory.isAnnounced(repository)) return;
  for await (const ids of store.idsInTurns(namingFilter(repository), limits.alignmentPullRequestsMax))
    if (ids.length > 0) yield ids;
}
