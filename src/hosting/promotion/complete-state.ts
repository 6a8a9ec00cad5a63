import { limits } from '../../config/limits.js';
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

/**
 * The newest held state that is not older than what is followed, and whose objects are all here. `isBare`: whether the
 * repository has no object at all.
 */
export async function firstCompleteState(
  parts: CompleteStateParts,
  repository: RepositoryId,
  isBare: () => Promise<boolean>,
): Promise<CompleteState | undefined> {
  const { git, repositories } = parts;
  const states = await statesOf(parts, repository);
  const [newest] = states;
  if (newest?.isHeld !== true) return undefined;
  const gitDir = repositories.pathOf(repository);
  const hasNothing = await isBare();
  const refs: Refs = hasNothing ? new Map() : await readRefs(git, gitDir, headsAndTags);
  // What a ref stands for is here: git is asked about the rest only.
  const here = new Set(refs.values());
  const followed = states.findIndex(({ isHeld }) => !isHeld);
  const held = followed < 0 ? states : states.slice(0, followed);
  for (const some of inGroups(wantingOf(held, here))) {
    const wanted = hasNothing ? [] : some.flatMap(({ lacks }) => lacks);
    const found = await objectsOf(git, gitDir, new Set(wanted));
    const complete = some.find(({ lacks }) => lacks.every((id) => found.has(id)));
    if (complete !== undefined) return { state: complete.state, newest, refs };
  }
  return undefined;
}

type WantingState = { readonly state: EventState; readonly lacks: readonly string[] };

/** What each of them lacks, looked at one by one: the first may be complete. */
function* wantingOf(held: readonly EventState[], here: ReadonlySet<string>): Generator<WantingState> {
  for (const state of held)
    if (isSatisfiable(state)) yield { state, lacks: [...state.refs.values()].filter((id) => !here.has(id)) };
}

/** Those about which git is asked at once: there may be thousands. */
function* inGroups(states: Iterable<WantingState>): Generator<readonly WantingState[]> {
  let group: WantingState[] = [];
  let objects = 0;
  for (const state of states) {
    if (group.length > 0 && objects + state.lacks.length > limits.heldObjectsAskedMax) {
      yield group;
      group = [];
      objects = 0;
    }
    group.push(state);
    objects += state.lacks.length;
  }
  if (group.length > 0) yield group;
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
  const unique = new Set(objectIds);
  return (await objectsOf(git, gitDir, unique)).size === unique.size;
}

/** Which of some objects are there. */
async function objectsOf(
  git: Git,
  gitDir: string,
  objectIds: ReadonlySet<string>,
): Promise<ReadonlyMap<string, string>> {
  if (objectIds.size === 0 || (await isEmpty(gitDir))) return new Map();
  return await readObjectTypes(git, gitDir, [...objectIds]);
}
