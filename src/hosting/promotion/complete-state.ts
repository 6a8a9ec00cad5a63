import type { BareRepositories } from '../../git/bare-repositories.js';
import type { Git } from '../../git/git-command.js';
import type { Refs } from '../../git/ref-plan.js';
import { isEmpty, readObjectTypes, readRefs } from '../../git/refs.js';
import type { RepositoryId } from '../../repositories/repository-directory.js';
import { type EventState, isSatisfiable, type StateSources, statesOf } from '../states.js';

/** A held state whose objects are all here, the newest that there is, and the heads and tags as they are. */
export type CompleteState = {
  readonly state: EventState;
  readonly newest: EventState;
  readonly refs: Refs;
};

export type CompleteStateParts = StateSources & {
  readonly git: Git;
  readonly repositories: Pick<BareRepositories, 'pathOf'>;
};

const headsAndTags = ['refs/heads', 'refs/tags'];

/** The newest held state that is not older than what is followed, and whose objects are all here. */
export async function firstCompleteState(
  parts: CompleteStateParts,
  repository: RepositoryId,
): Promise<CompleteState | undefined> {
  const { git, repositories } = parts;
  const states = await statesOf(parts, repository);
  const [newest] = states;
  if (newest?.isHeld !== true) return undefined;
  const gitDir = repositories.pathOf(repository);
  const refs: Refs = (await isEmpty(gitDir)) ? new Map() : await readRefs(git, gitDir, headsAndTags);
  // What a ref stands for is here: git is asked about the rest only.
  const here = new Set(refs.values());
  for (const state of states) {
    if (!state.isHeld) return undefined;
    const others = [...state.refs.values()].filter((objectId) => !here.has(objectId));
    if (isSatisfiable(state) && (await hasAllObjects(git, gitDir, others))) return { state, newest, refs };
  }
  return undefined;
}

/** What a state says; but refs that are as a newer state says, which is held still, were pushed and stay. */
export function withWhatWasPushed({ state, newest, refs }: CompleteState): Refs {
  const pushed = [...newest.refs].filter(([name, objectId]) => refs.get(name) === objectId);
  return new Map([...state.refs, ...pushed]);
}

export async function hasAllObjects(
  git: Git,
  gitDir: string,
  objectIds: readonly string[],
): Promise<boolean> {
  if (objectIds.length === 0) return true;
  if (await isEmpty(gitDir)) return false;
  const unique = [...new Set(objectIds)];
  return (await readObjectTypes(git, gitDir, unique)).size === unique.length;
}
