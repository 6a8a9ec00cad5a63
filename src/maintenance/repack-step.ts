import { limits } from '../config/limits.js';
import { GitError } from '../git/git-error.js';
import type { GitStreamCommand, GitStreams } from '../git/git-streams.js';
import { objectsOf } from '../git/objects/object-folders.js';
import { type OtherContent, type PackGrowth, unfinishedIn, watchGrowth } from '../git/objects/pack-growth.js';
import { TimeLimitError } from '../lib/abort.js';

export type RepackStep = Pick<GitStreamCommand, 'gitDir' | 'args' | 'config' | 'objects'>;

/**
 * Runs a command that reads nothing and says nothing, as a step of a repack: it gives way to all else on the processor.
 * Rejects with `GitError`, `TimeLimitError`, or the signal's reason.
 */
export async function runQuietly(streams: GitStreams, step: RepackStep, signal: AbortSignal): Promise<void> {
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

/**
 * Runs one that writes packs: it ends where these become larger than they may, with what it writes `besides`, and rejects with
 * `PackGrowthError`.
 */
export async function runWatched(
  streams: GitStreams,
  step: RepackStep,
  growth: PackGrowth,
  signal: AbortSignal,
  besides?: OtherContent['besides'],
): Promise<void> {
  const objects = step.objects?.write ?? objectsOf(step.gitDir);
  const left = new Set(await unfinishedIn(objects));
  const work = (stop: AbortSignal) => runQuietly(streams, step, AbortSignal.any([signal, stop]));
  await watchGrowth(growth, objects, work, { left, ...(besides === undefined ? {} : { besides }) });
}
