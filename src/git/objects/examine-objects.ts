import { join } from 'node:path';
import { exceeds } from '../../config/limit-use.js';
import { limits } from '../../config/limits.js';
import { TimeLimitError } from '../../lib/abort.js';
import { GitError } from '../git-error.js';
import type { GitStreamCommand, GitStreams } from '../git-streams.js';
import { DeltaChains } from './delta-chains.js';
import type { ObjectFolders } from './object-folders.js';
import { packsIn } from './pack-files.js';
import { countObjects } from './pack-names.js';

/** Where to look, and for how long at most each time. */
export type ObjectSearch = Required<Pick<GitStreamCommand, 'gitDir' | 'objects' | 'msMax'>>;

/** What was found out about objects that came. */
export type ObjectsFound = {
  /** Which of them is larger than any of its type has to be, in one line. */
  readonly tooLarge: string | undefined;
  /** Whether git takes longer to put some of them together than those that it packs itself, or may. */
  readonly isDeep: boolean;
};

/**
 * Looks at all objects in a folder. Commits, tags and trees are to be no larger than they have to be: git reads them as a whole,
 * again and again, and a few bytes of a pack can be hundreds of megabytes of them. Blobs may be of any size. Only of those that
 * are large is asked what they are: git follows deltas for that. Rejects with `GitError`, `TimeLimitError`, or the signal's
 * reason.
 */
export async function examineObjects(
  streams: GitStreams,
  { gitDir, objects, msMax }: ObjectSearch,
  signal: AbortSignal,
): Promise<ObjectsFound> {
  const alone: ObjectFolders = { write: objects.write, read: [] };
  const cat = ['cat-file', '--buffer'];
  const least = Math.min(limits.commitBytesMax, limits.treeBytesMax);
  const large: string[] = [];
  const chains = await chainsFor(objects.write);
  const format = '%(objectname) %(deltabase) %(objectsize)';
  const all = [...cat, '--batch-all-objects', '--unordered', `--batch-check=${format}`];
  await eachLine(streams, { gitDir, args: all, objects: alone, msMax }, '', signal, (line) => {
    const [id = '', baseId = '', size] = line.split(' ');
    if (!baseId.startsWith(noObject)) chains?.add(id, baseId);
    // A copy: a part of a text keeps all that was read with it.
    if (Number(size) > least) large.push(Buffer.from(id, 'latin1').toString('latin1'));
  });
  const depth = chains?.depth;
  const isDeep = depth === undefined || exceeds('deltaDepthMax', depth);
  if (large.length === 0) return { tooLarge: undefined, isDeep };
  let tooLarge: string | undefined;
  const types = [...cat, '--batch-check=%(objecttype) %(objectsize) %(objectname)'];
  const input = `${large.join('\n')}\n`;
  await eachLine(streams, { gitDir, args: types, objects: alone, msMax }, input, signal, (line) => {
    const [type = '', size = '', id = ''] = line.split(' ');
    const most = mostOf(type, Number(size));
    if (most !== undefined)
      tooLarge ??= `a ${type} has at most ${most} bytes here; ${id.slice(0, 8)} has ${size}`;
  });
  return { tooLarge, isDeep };
}

/** What git says an object builds upon that is whole. */
const noObject = '0'.repeat(40);

/** For the packs in a folder of objects; `undefined` where they have more than is worth the memory. */
async function chainsFor(folder: string): Promise<DeltaChains | undefined> {
  const packs = await packsIn(join(folder, 'pack'));
  const counts = await Promise.all(packs.map((pack) => countObjects(join(pack.folder, `${pack.name}.idx`))));
  const count = counts.reduce<number>((sum, one) => sum + (one ?? Number.POSITIVE_INFINITY), 0);
  return count > limits.pushObjectsMax ? undefined : new DeltaChains(count);
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
