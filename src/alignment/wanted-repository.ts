import { setImmediate as nextTurn } from 'node:timers/promises';
import { limits } from '../config/limits.js';
import type { WantedRepository } from '../git/align-refs.js';
import { isPullRequestRef, pullRequestRef } from '../git/ref-name.js';
import type { Refs } from '../git/ref-plan.js';
import { pieces } from '../lib/collections/lists.js';
import { supersedes } from '../nostr/address.js';
import { reading } from '../policy/structure.js';
import type { Purgatory } from '../purgatory/purgatory.js';
import { type PullRequest, parsePullRequest } from '../repositories/pull-request.js';
import { refsOfMaintainers } from '../repositories/refs-of-maintainers.js';
import type { RepositoryDirectory, RepositoryId } from '../repositories/repository-directory.js';
import { parseRepositoryState, type RepositoryState } from '../repositories/repository-state.js';
import { storedPullRequests } from '../repositories/stored-pull-requests.js';
import type { EventStore } from '../store/event-store.js';
import type { AlignmentScope } from './alignment-queue.js';

/** What the stored events say that a served repository is to look like, in those parts that the scope names. */
export async function wantedRepository(
  directory: RepositoryDirectory,
  store: Pick<EventStore, 'get' | 'query' | 'idsInTurns'>,
  repository: RepositoryId,
  scope: Pick<AlignmentScope, 'refs' | 'pullRequests'>,
): Promise<WantedRepository> {
  const state = scope.refs ? await readState(directory, store, repository) : undefined;
  return {
    declared: state?.refs,
    head: state?.head,
    ...(await wantedPullRequests(directory, store, repository, scope.pullRequests)),
  };
}

/** Which events are held, and which are waited for. */
export type WaitingEvents = Pick<Purgatory, 'has'> & { readonly awaited: Pick<Purgatory['awaited'], 'has'> };

/**
 * Refs of pull requests that nobody knows: their events are neither stored nor held, and not waited for. A ref whose event is
 * known stays where it was pushed, also where that does not name the repository.
 */
export function strayRefs(
  { store, purgatory }: { store: Pick<EventStore, 'has'>; purgatory: WaitingEvents },
  repository: RepositoryId,
  refs: Refs,
): string[] {
  return [...refs.keys()].filter((name) => {
    if (!isPullRequestRef(name)) return false;
    const id = name.slice(pullRequestRef('').length);
    return !store.has(id) && !purgatory.has(id) && !purgatory.awaited.has(repository, id);
  });
}

/** Whether a newer state than the stored ones is held: then pushes make refs what that says, one by one. */
export function isNewerStateHeld(
  { directory, purgatory }: { directory: RepositoryDirectory; purgatory: Pick<Purgatory, 'statesBy'> },
  repository: RepositoryId,
): boolean {
  const [held] = purgatory.statesBy(repository.identifier, (authors) =>
    directory.maintainersAmong(repository, authors),
  );
  const followed = directory.stateOf(repository);
  return held !== undefined && (followed === undefined || supersedes(held.event, followed));
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
  const { event } = stored;
  // One with very many refs takes long to be taken apart, and again to be read.
  await nextTurn();
  const read = reading(() => parseRepositoryState(event));
  return 'value' in read ? read.value : undefined;
}

/** Commit by ref name, `undefined` for a pull request that is not stored any more; and which are of maintainers. */
async function wantedPullRequests(
  directory: RepositoryDirectory,
  store: Pick<EventStore, 'query' | 'idsInTurns'>,
  repository: RepositoryId,
  scope: AlignmentScope['pullRequests'],
): Promise<Pick<WantedRepository, 'pullRequests' | 'ofMaintainers'>> {
  const read: PullRequest[] = [];
  const wanted = new Map<string, string | undefined>();
  if (scope !== 'all') for (const id of scope) wanted.set(pullRequestRef(id), undefined);
  const asked =
    scope === 'all'
      ? storedPullRequests({ directory, store }, repository)
      : pieces(scope, limits.alignmentPullRequestsMax);
  for await (const ids of asked) {
    for await (const chunk of store.query([{ ids: [...ids] }])) {
      for (const { event } of chunk) {
        const parsed = reading(() => parsePullRequest(event));
        if ('value' in parsed) read.push(parsed.value);
      }
    }
  }
  for (const { eventId, commit } of read) wanted.set(pullRequestRef(eventId), commit);
  return { pullRequests: wanted, ofMaintainers: refsOfMaintainers(directory, repository, read) };
}
