import type { Git } from './git-command.js';
import { withinRoom } from './pull-request-refs.js';
import { objectsInQuestion, planRefs, type RefPlan, type Refs, stages, type WantedRefs } from './ref-plan.js';
import { isEmpty, moveRefs, readHead, readObjectTypes, readRefFiles, readRefs, setHead } from './refs.js';

/** What a repository is to look like. */
export type WantedRepository = WantedRefs & {
  /** The full name of the branch that `HEAD` is to stand for; `undefined` leaves it alone. */
  readonly head: string | undefined;
  /** Refs of pull requests whose authors maintain the repository: others have half of the room for such. */
  readonly ofMaintainers?: ReadonlySet<string>;
};

/** How a repository differs from what it is to be; `head` is set when `HEAD` has to follow. */
export type Misalignment = RefPlan & { readonly head: string | undefined };

/** Compares a repository with what it is to be, and changes nothing. `known`: its refs, where they were just read. */
export async function compareRefs(
  git: Git,
  gitDir: string,
  wanted: WantedRepository,
  known?: Refs,
): Promise<Misalignment> {
  // A new repository waits for its first push: that is known without asking git.
  const empty = await isEmpty(gitDir);
  const current = empty ? new Map() : (known ?? (await readCurrent(git, gitDir, wanted)));
  const types = empty ? new Map() : await readObjectTypes(git, gitDir, objectsInQuestion(wanted, current));
  const plan = planRefs(wanted, current, (objectId) => types.get(objectId));
  const changes = await withinRoom(git, gitDir, plan.changes, wanted.ofMaintainers ?? new Set());
  const isHeadRight = wanted.head === undefined || (await readHead(gitDir)) === wanted.head;
  return { ...plan, changes, head: isHeadRight ? undefined : wanted.head };
}

/** Makes a repository what it is to be, as far as its objects allow; answers what was done and what still waits. */
export async function alignRefs(
  git: Git,
  gitDir: string,
  wanted: WantedRepository,
  known?: Refs,
): Promise<Misalignment> {
  const misalignment = await compareRefs(git, gitDir, wanted, known);
  for (const stage of stages(misalignment.changes)) await moveRefs(git, gitDir, stage);
  if (misalignment.head !== undefined) await setHead(gitDir, misalignment.head);
  return misalignment;
}

/** One pull request is asked for by name, several by their common prefix: a command line is no place for a list. */
function pullRequestPatterns({ pullRequests }: WantedRefs): string[] {
  if (pullRequests.size === 0) return [];
  return pullRequests.size === 1 ? [...pullRequests.keys()] : ['refs/nostr'];
}

async function readCurrent(git: Git, gitDir: string, wanted: WantedRefs): Promise<Refs> {
  const declared = wanted.declared === undefined ? [] : ['refs/heads', 'refs/tags'];
  const patterns = [...declared, ...pullRequestPatterns(wanted)];
  if (patterns.length === 0) return new Map();
  return (await readRefFiles(gitDir)) ?? (await readRefs(git, gitDir, patterns));
}
