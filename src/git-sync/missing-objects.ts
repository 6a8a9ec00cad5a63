import { limits } from '../config/limits.js';
import type { BareRepositories } from '../git/bare-repositories.js';
import type { Git } from '../git/git-command.js';
import { isObjectId } from '../git/object-id.js';
import { pullRequestRef } from '../git/ref-name.js';
import type { Refs } from '../git/ref-plan.js';
import { isEmpty, readObjectTypes, readRefFiles, readRefs } from '../git/refs.js';
import { type StateSources, statesOf } from '../hosting/states.js';
import type { NostrEvent } from '../nostr/event.js';
import { reading } from '../policy/structure.js';
import type { Purgatory } from '../purgatory/purgatory.js';
import { parsePullRequest } from '../repositories/pull-request.js';
import type { RepositoryDirectory, RepositoryId } from '../repositories/repository-directory.js';
import { storedPullRequests } from '../repositories/stored-pull-requests.js';
import type { EventStore } from '../store/event-store.js';

/** An object that an event names and a repository lacks. */
export type MissingObject = {
  readonly objectId: string;
  /** Pull requests whose commit it is; none where a state names it. */
  readonly pullRequestIds: readonly string[];
  /** Where those say that it is to be had, by pull request. */
  readonly clones: readonly (readonly string[])[];
};

/** One while pull requests that name it are gathered. */
type GatheredObject = MissingObject & {
  readonly pullRequestIds: string[];
  readonly clones: (readonly string[])[];
};

/** Whether a state names it, and not only what anybody may propose. */
export function isOfState({ pullRequestIds }: MissingObject): boolean {
  return pullRequestIds.length === 0;
}

export type MissingObjectsParts = StateSources & {
  readonly directory: Pick<RepositoryDirectory, 'maintainersAmong' | 'stateOf' | 'isAnnounced'>;
  readonly store: Pick<EventStore, 'get' | 'query' | 'idsInTurns'>;
  readonly purgatory: Pick<Purgatory, 'statesBy' | 'pullRequestsOf'>;
  readonly repositories: Pick<BareRepositories, 'pathOf' | 'exists'>;
  readonly git: Git;
};

/**
 * What a repository lacks, by its events and refs: objects of the newest authorised state and of those that are held, and
 * commits of pull requests; of very many the first. Of one that is not on the disk, all. Rejects with `GitError`.
 */
export async function missingObjects(
  parts: MissingObjectsParts,
  repository: RepositoryId,
): Promise<MissingObject[]> {
  const { git, repositories } = parts;
  const gitDir = repositories.pathOf(repository);
  const isThere = (await repositories.exists(repository)) && !(await isEmpty(gitDir));
  const refs: Refs = isThere
    ? ((await readRefFiles(gitDir)) ?? (await readRefs(git, gitDir, [])))
    : new Map();
  const wanted = new Map<string, GatheredObject>();
  // Those of states come first: of pull requests there may be any number.
  for (const objectId of await objectsOfStates(parts, repository)) {
    wanted.set(objectId, { objectId, pullRequestIds: [], clones: [] });
  }
  const ofStates = wanted.size;
  for await (const { event, commit } of pullRequestsOf(parts, repository, refs)) {
    const known = wanted.get(commit);
    const isOfStateToo = known !== undefined && isOfState(known);
    if (isOfStateToo || wanted.size >= ofStates + limits.gitMissingObjectsMax) continue;
    const clones = cloneUrlsIn(event);
    // Added to in place: a hundred thousand may name one commit.
    known?.pullRequestIds.push(event.id);
    known?.clones.push(clones);
    if (known === undefined)
      wanted.set(commit, { objectId: commit, pullRequestIds: [event.id], clones: [clones] });
  }
  if (isThere && wanted.size > 0) {
    // What a ref stands for is here: git is asked about the rest only.
    for (const objectId of refs.values()) wanted.delete(objectId);
    const types = await readObjectTypes(git, gitDir, [...wanted.keys()]);
    for (const objectId of types.keys()) wanted.delete(objectId);
  }
  return [...wanted.values()].slice(0, limits.gitMissingObjectsMax);
}

/** Those of the states that may be followed: the newest that is stored, and what is held and newer. */
async function objectsOfStates(parts: StateSources, repository: RepositoryId): Promise<Set<string>> {
  const states = await statesOf(parts, repository);
  const firstStored = states.findIndex(({ isHeld }) => !isHeld);
  const followed = firstStored < 0 ? states : states.slice(0, firstStored + 1);
  const objectIds = new Set<string>();
  for (const { refs } of followed.slice(0, limits.gitStatesFetchedMax)) {
    for (const value of refs.values()) if (isObjectId(value)) objectIds.add(value);
  }
  return objectIds;
}

/** The pull requests that have no ref here yet, with their commits. */
async function* pullRequestsOf(
  { directory, store, purgatory }: MissingObjectsParts,
  repository: RepositoryId,
  refs: Refs,
): AsyncGenerator<{ readonly event: NostrEvent; readonly commit: string }> {
  for (const { event } of purgatory.pullRequestsOf(repository)) yield* commitIn(event);
  for await (const stored of storedPullRequests({ directory, store }, repository)) {
    const ids = stored.filter((eventId) => !refs.has(pullRequestRef(eventId)));
    if (ids.length === 0) continue;
    for await (const chunk of store.query([{ ids }])) {
      for (const { event } of chunk) yield* commitIn(event);
    }
  }
}

function* commitIn(event: NostrEvent): Generator<{ readonly event: NostrEvent; readonly commit: string }> {
  const read = reading(() => parsePullRequest(event));
  if ('value' in read) yield { event, commit: read.value.commit };
}

function cloneUrlsIn({ tags }: NostrEvent): string[] {
  return tags.flatMap(([name, ...urls]) => (name === 'clone' ? urls : [])).slice(0, limits.gitServersMax);
}
