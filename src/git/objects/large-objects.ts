import { exceeds } from '../../config/limit-use.js';
import { limits } from '../../config/limits.js';
import { TimeLimitError } from '../../lib/abort.js';
import { GitError } from '../git-error.js';
import type { GitStreamCommand, GitStreams } from '../git-streams.js';
import type { ObjectFolders } from './object-folders.js';

/** Where to look, and for how long at most each time. */
export type LargeSearch = Required<Pick<GitStreamCommand, 'gitDir' | 'objects' | 'msMax'>>;

/**
 * Says which object among those of a folder is larger than any of its type has to be: git reads commits, tags and trees as a
 * whole, again and again, and a few bytes of a pack can be hundreds of megabytes of them. Blobs may be of any size. Only of
 * those that are large is asked what they are: git follows deltas for that. Rejects with `GitError`, `TimeLimitError`, or
 * the signal's reason.
 */
export async function whatIsTooLarge(
  streams: GitStreams,
  { gitDir, objects, msMax }: LargeSearch,
  signal: AbortSignal,
): Promise<string | undefined> {
  const alone: ObjectFolders = { write: objects.write, read: [] };
  const cat = ['cat-file', '--buffer'];
  const least = Math.min(limits.commitBytesMax, limits.treeBytesMax);
  const large: string[] = [];
  const sizes = [...cat, '--batch-all-objects', '--unordered', '--batch-check=%(objectsize) %(objectname)'];
  await eachLine(streams, { gitDir, args: sizes, objects: alone, msMax }, '', signal, (line) => {
    const space = line.indexOf(' ');
    if (Number(line.slice(0, space)) > least) large.push(line.slice(space + 1));
  });
  if (large.length === 0) return undefined;
  let found: string | undefined;
  const types = [...cat, '--batch-check=%(objecttype) %(objectsize) %(objectname)'];
  const input = `${large.join('\n')}\n`;
  await eachLine(streams, { gitDir, args: types, objects: alone, msMax }, input, signal, (line) => {
    const [type = '', size = '', id = ''] = line.split(' ');
    const most = mostOf(type, Number(size));
    if (most !== undefined)
      found ??= `a ${type} has at most ${most} bytes here; ${id.slice(0, 8)} has ${size}`;
  });
  return found;
}

/** What an object of this type has at most, where it has more. */
function mostOf(type: string, bytes: number): number | undefined {
  if (type === 'blob') return undefined;
  const limit = type === 'tree' ? 'treeBytesMax' : 'commitBytesMax';
  return exceeds(limit, bytes) ? limits[limit] : undefined;
}

/** Runs a command and reads what it writes line by line. */
async function eachLine(
  streams: GitStreams,
  command: GitStreamCommand,
  input: string,
  signal: AbortSignal,
  take: (line: string) => void,
): Promise<void> {
  const git = await streams.start(command, signal);
  try {
    git.input.end(input);
    let rest = '';
    for await (const piece of git.output) {
      const lines = `${rest}${(piece as Buffer).toString('latin1')}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) take(line);
    }
    const { exitCode, complaint, isLate } = await git.ended;
    signal.throwIfAborted();
    if (isLate) throw new TimeLimitError('git cat-file', command.msMax);
    if (exitCode !== 0) throw new GitError('git_failed', `git cat-file failed: ${complaint.trim()}`);
  } finally {
    git.end();
    await git.ended;
  }
}
