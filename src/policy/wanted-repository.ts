import type { WantedRepository } from '../git/align-refs.js';
import { pullRequestRef } from '../git/ref-name.js';
import type { EventStore } from '../store/event-store.js';
import type { AlignmentScope } from './alignment-queue.js';
import type { PullRequest } from './pull-request.js';
import type { RepositoryDirectory, RepositoryId } from './repository-directory.js';
import { parseRepositoryState, type RepositoryState } from './repository-state.js';
import { reading } from './structure.js';

/** What the stored events say that a served repository is to look like, in those parts that the scope names. */
export async function wantedRepository(
  directory: RepositoryDirectory,
  store: Pick<EventStore, 'get'>,
  repository: RepositoryId,
  scope: Pick<AlignmentScope, 'refs' | 'pullRequests'>,
): Promise<WantedRepository> {
  const state = scope.refs ? await readState(directory, store, repository) : undefined;
  return {
    declared: state?.refs,
    head: state?.head,
    pullRequests: wantedPullRequests(directory, repository, scope.pullRequests),
  };
}

/** The newest authorised state; without one, heads and tags are nobody's business. */
async function readState(
  directory: RepositoryDirectory,
  store: Pick<EventStore, 'get'>,
  repository: RepositoryId,
): Promise<RepositoryState | undefined> {
  const entry = directory.stateOf(repository);
  // A state that was replaced while it was looked for is followed by its own alignment.
  const stored = entry === undefined ? undefined : await store.get(entry.id);
  if (stored === undefined) return undefined;
  const read = reading(() => parseRepositoryState(stored.event));
  return 'value' in read ? read.value : undefined;
}

/** Commit by ref name; `undefined` for a pull request that is not stored any more. */
function wantedPullRequests(
  directory: RepositoryDirectory,
  repository: RepositoryId,
  scope: AlignmentScope['pullRequests'],
): WantedRepository['pullRequests'] {
  if (scope === 'all') {
    const stored: PullRequest[] = directory.pullRequestsOf(repository);
    return new Map(stored.map(({ eventId, commit }) => [pullRequestRef(eventId), commit]));
  }
  return new Map([...scope].map((id) => [pullRequestRef(id), directory.pullRequest(id)?.commit]));
}
