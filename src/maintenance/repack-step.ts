import { limits } from '../config/limits.js';
import { GitError } from '../git/git-error.js';
import type { GitStreamCommand, GitStreams } from '../git/git-streams.js';
import { TimeLimitError } from '../lib/abort.js';

/**
 * Runs a command that reads nothing and says nothing, as a step of a repack: it gives way to all else on the processor.
 * Rejects with `GitError`, `TimeLimitError`, or the signal's reason.
 */
export async function runQuietly(
  streams: GitStreams,
  step: Pick<GitStreamCommand, 'gitDir' | 'args' | 'config' | 'objects'>,
  signal: AbortSignal,
): Promise<void> {
  const msMax = limits.careStepMsMax;
  const git = await streams.start({ ...step, msMax, isBackground: true }, signal);
  git.input.end();
  git.output.resume();
  const { exitCode, complaint, isLate } = await git.ended;
  signal.throwIfAborted();
  const name = `git ${step.args[0]}`;
  if (isLate) throw new TimeLimitError(name, msMax);
  if (exitCode !== 0) throw new GitError('git_failed', `${name} failed: ${complaint.trim()}`);
}
