import { noteUse } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import type { Git } from './git-command.js';
import { isPullRequestRef } from './ref-name.js';
import type { RefChange } from './ref-plan.js';
import { readRefNames, readRefs } from './refs.js';

const folder = 'refs/nostr';

/** How many refs of pull requests a repository has. Rejects with `GitError`. */
export async function countPullRequestRefs(git: Git, gitDir: string): Promise<number> {
  const names = (await readRefNames(gitDir, folder)) ?? (await readRefs(git, gitDir, [folder]));
  return names.size;
}

/**
 * Whether there may be one more beside so many: whatever lists the refs of a repository has to list these. Anybody may propose a
 * change, with as many keys as they like, so that one half is left to the maintainers.
 */
export function hasRoomForPullRequest(count: number, isOfMaintainer: boolean): boolean {
  noteUse('pullRequestRefsMax', count);
  return count < limits.pullRequestRefsMax * (isOfMaintainer ? 1 : 1 / 2);
}

/**
 * Leaves out of changes the refs of pull requests for which there is no room; `ofMaintainers`: those whose authors maintain the
 * repository. Rejects with `GitError`.
 */
export async function withinRoom(
  git: Git,
  gitDir: string,
  changes: readonly RefChange[],
  ofMaintainers: ReadonlySet<string>,
): Promise<readonly RefChange[]> {
  const isAdded = ({ type, name }: RefChange) => type === 'create' && isPullRequestRef(name);
  if (!changes.some(isAdded)) return changes;
  let count = await countPullRequestRefs(git, gitDir);
  return changes.filter((change) => {
    if (!isAdded(change)) return true;
    if (!hasRoomForPullRequest(count, ofMaintainers.has(change.name))) return false;
    count += 1;
    return true;
  });
}
