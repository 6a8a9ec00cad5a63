import { exceeds } from '../../config/limit-use.js';
import { limits } from '../../config/limits.js';
import { TimeLimitError } from '../../lib/abort.js';
import { GraspError } from '../../lib/errors.js';
import type { Git } from '../git-command.js';
import type { GitStreamCommand, GitStreams } from '../git-streams.js';
import { declaredTips } from './known-tips.js';
import type { ObjectFolders } from './object-folders.js';

/** Paths of what is proposed are longer than they may be, or such that git does not come to their end. */
export class LongPathError extends GraspError {
  constructor() {
    super('long_path', `paths of files have at most ${limits.proposedPathBytesMax} bytes here`);
  }
}

/** Where to look, and how much time and memory git may take for it. */
export type PathSearch = Pick<GitStreamCommand, 'gitDir' | 'msMax' | 'memoryBytesMax'> & {
  readonly objects: ObjectFolders;
};

/**
 * Throws `LongPathError` where commits, or those before them that branches and tags do not lead to, have a file or a folder whose
 * path is too long. Git puts the path of each object together when it packs a repository, in time that grows with more than the
 * square of how deep folders lie within each other, and ends with a signal above some tens of thousands: a few bytes each. All of
 * what they lead to has to be here. Rejects with `GitError`, `TimeLimitError`, or with the reason of the signal.
 */
export async function checkPaths(
  { git, streams }: { readonly git: Git; readonly streams: GitStreams },
  { gitDir, objects, ...bounds }: PathSearch,
  commitIds: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  if (commitIds.length === 0) return;
  // Others' proposals are none that could be left out: what lies in the folders of one may be in folders of the next.
  const declared = await declaredTips(git, gitDir);
  // What a merge has of its first parent is looked at there.
  const args = [
    'log',
    '--stdin',
    '--format=',
    '--name-only',
    '-t',
    '--no-renames',
    '--diff-merges=first-parent',
  ];
  const config = [['core.quotePath', 'false']] as const;
  const log = await streams.start({ gitDir, args, config, objects, ...bounds }, signal);
  try {
    log.input.end(`${[...commitIds, ...declared.lines].join('\n')}\n`);
    const isLong = await hasLongLine(log.output);
    if (isLong) throw new LongPathError();
    const { exitCode, isLate } = await log.ended;
    signal.throwIfAborted();
    if (isLate) throw new TimeLimitError('git log', bounds.msMax);
    if (exitCode !== 0) throw new LongPathError();
  } finally {
    log.end();
    await log.ended;
  }
}

async function hasLongLine(output: AsyncIterable<Buffer>): Promise<boolean> {
  let bytes = 0;
  for await (const piece of output) {
    let from = 0;
    for (let end = piece.indexOf(newline); end >= 0; end = piece.indexOf(newline, from)) {
      if (exceeds('proposedPathBytesMax', bytes + end - from)) return true;
      bytes = 0;
      from = end + 1;
    }
    bytes += piece.length - from;
    if (exceeds('proposedPathBytesMax', bytes)) return true;
  }
  return false;
}

const newline = 0x0a;
