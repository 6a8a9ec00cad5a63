import type { ChildProcess } from 'node:child_process';
import { limits } from '../../config/limits.js';
import { type GitCommand, nameOf } from '../git-command.js';
import { GitError } from '../git-error.js';
import { Collected } from './collected.js';
import { groupEnd, spawnGit } from './spawn-git.js';

/**
 * Runs git and answers what it wrote. When the signal aborts, git is asked to end, so that it takes its lock files
 * along, and killed if it does not. Rejects with `GitError`.
 */
export async function runGitProcess(command: GitCommand, signal: AbortSignal): Promise<string> {
  const child = spawnGit(command, 'pipe');
  using group = groupEnd(child, signal);
  return await collect(child, command, () => group.end());
}

/** Feeds a process and waits for its end; `end` ends it when it writes too much. */
async function collect(child: ChildProcess, command: GitCommand, end: () => void): Promise<string> {
  const output = new Collected(limits.gitOutputBytesMax);
  const complaint = new Collected(limits.gitComplaintBytesMax);
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve);
    child.once('error', (cause) => {
      reject(new GitError('git_spawn', `${nameOf(command)} could not be run: ${cause.message}`, { cause }));
    });
  });
  child.stdout?.on('data', (chunk: Buffer) => {
    if (!output.add(chunk)) end();
  });
  child.stderr?.on('data', (chunk: Buffer) => complaint.add(chunk));
  // A process that ends before it has read everything breaks the pipe; its exit code says what happened.
  child.stdin?.on('error', () => {});
  child.stdin?.end(command.input ?? '');
  const exitCode = await exit;
  if (output.isOverfull)
    throw new GitError('git_output', `${nameOf(command)} wrote too much`, { retryable: false });
  if (exitCode !== 0) {
    const said = complaint.text().trim();
    const why = said === '' ? `exit code ${exitCode}` : said;
    const code = isStarved(exitCode, said) ? 'git_starved' : 'git_failed';
    throw new GitError(code, `${nameOf(command)} failed: ${why}`);
  }
  return output.text();
}

/** Whether git was killed, or had no memory: that says nothing of what it was asked about. */
function isStarved(exitCode: number | null, complaint: string): boolean {
  return (
    exitCode === null || /^(?:error|fatal): .*(?:out of memory|cannot allocate memory)/im.test(complaint)
  );
}
