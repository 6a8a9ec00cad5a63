import { exceeds } from '../../config/limit-use.js';
import { limits } from '../../config/limits.js';
import { GitError } from '../../git/git-error.js';
import type { GitStreams } from '../../git/git-streams.js';
import { TimeLimitError } from '../../lib/abort.js';

/** Where git is asked for a page, and for whom: it ends when the signal aborts. */
export type PageGit = {
  readonly streams: GitStreams;
  readonly gitDir: string;
  readonly signal: AbortSignal;
};

/** An object as git has it. */
export type PageObject = {
  /** Such as `commit`. */
  readonly type: string;
  /** As UTF-8. */
  readonly content: string;
};

/**
 * Runs git and gives all that it wrote, when it has ended. It takes none of the places in which pushes and alignment have theirs
 * run: how many pages are made at once is the caller's business. Rejects with `GitError` or `TimeLimitError`, or with the
 * signal's reason.
 */
export async function askGit(
  { streams, gitDir, signal }: PageGit,
  args: readonly string[],
  input = '',
): Promise<Buffer> {
  const bounds = { allocationBytesMax: limits.pageAllocationBytesMax, msMax: limits.pageGitMsMax };
  const git = await streams.start({ gitDir, args, ...bounds }, signal);
  try {
    git.input.end(input);
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of git.output) {
      bytes += (chunk as Buffer).length;
      if (exceeds('gitOutputBytesMax', bytes))
        throw new GitError('git_output', `git ${args[0]} wrote too much`, { retryable: false });
      chunks.push(chunk as Buffer);
    }
    const { exitCode, complaint, isLate } = await git.ended;
    if (isLate) throw new TimeLimitError(`git ${args[0]}`, limits.pageGitMsMax);
    if (exitCode !== 0) throw new GitError('git_failed', `git ${args[0]} failed: ${complaint.trim()}`);
    return Buffer.concat(chunks);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    git.end();
    await git.ended;
  }
}

/** Those of these objects that are here, by their ids. Rejects as `askGit`. */
export async function readObjects(
  git: PageGit,
  objectIds: readonly string[],
): Promise<ReadonlyMap<string, PageObject>> {
  const objects = new Map<string, PageObject>();
  if (objectIds.length === 0) return objects;
  const input = objectIds.map((id) => `${id}\n`).join('');
  const output = await askGit(git, ['cat-file', '--batch', '--buffer'], input);
  let at = 0;
  for (let end = output.indexOf('\n'); end >= 0; end = output.indexOf('\n', at)) {
    const [objectId = '', type = '', size] = output.toString('latin1', at, end).split(' ');
    at = end + 1;
    // Of one that is missing nothing follows.
    if (size === undefined) continue;
    objects.set(objectId, { type, content: output.toString('utf8', at, at + Number(size)) });
    at += Number(size) + 1;
  }
  return objects;
}
