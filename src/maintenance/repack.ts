import { limits } from '../config/limits.js';
import { type GitVersion, isAtLeast } from '../git/git-command.js';
import { GitError } from '../git/git-error.js';
import type { GitStreamCommand, GitStreams } from '../git/git-streams.js';
import { TimeLimitError } from '../lib/abort.js';
import { secondMs } from '../lib/clock.js';

/** The first version that can keep what nothing refers to in a pack of its own, instead of a file for each object. */
const cruftPackVersionMin = [2, 37] as const;

/** One thread, and little memory: a repack has time. */
const config = [
  ['pack.threads', '1'],
  ['pack.windowMemory', '128m'],
  ['repack.writeBitmaps', 'true'],
] as const;

export type Repack = {
  readonly gitDir: string;
  readonly version: GitVersion;
  readonly nowMs: number;
  /** Whether it gives way to all else on the processor. */
  readonly isBackground: boolean;
};

/**
 * Repacks a repository whole: one pack with a bitmap, packed refs, a commit-graph. What nothing refers to is kept for
 * `unreachableObjectsMsMax` since it came. Whole, and not by the size of packs (`--geometric`): what nothing refers to would
 * be taken for new by every such repack, and its bitmap would need git 2.34.
 *
 * Whoever reads meanwhile notices nothing, and no ref changes its value, so what is remembered of refs stands. A repack
 * that is ended half done leaves the repository as it was, with a temporary file. Rejects with `GitError`,
 * `TimeLimitError`, or the signal's reason.
 */
export async function repack(
  streams: GitStreams,
  { gitDir, version, nowMs, isBackground }: Repack,
  signal: AbortSignal,
): Promise<void> {
  // In seconds since 1970, by our clock and not by git's.
  const expiry = Math.floor((nowMs - limits.unreachableObjectsMsMax) / secondMs);
  const keeping = isAtLeast(version, cruftPackVersionMin)
    ? ['--cruft', `--cruft-expiration=${expiry}`]
    : ['-A', `--unpack-unreachable=${expiry}`];
  const steps = [
    ['pack-refs', '--all', '--prune'],
    ['repack', '-d', '-l', '-n', '--quiet', ...keeping],
    // Loose objects, which a repack does not look at the age of.
    ['prune', `--expire=${expiry}`],
    ['commit-graph', 'write', '--reachable', '--no-progress'],
  ];
  const msMax = limits.careStepMsMax;
  for (const args of steps) await runQuietly(streams, { gitDir, args, config, msMax, isBackground }, signal);
}

/** Runs a command that reads nothing and says nothing. */
async function runQuietly(
  streams: GitStreams,
  command: GitStreamCommand,
  signal: AbortSignal,
): Promise<void> {
  const git = await streams.start(command, signal);
  git.input.end();
  git.output.resume();
  const { exitCode, complaint, isLate } = await git.ended;
  signal.throwIfAborted();
  const name = `git ${command.args[0]}`;
  if (isLate) throw new TimeLimitError(name, command.msMax);
  if (exitCode !== 0) throw new GitError('git_failed', `${name} failed: ${complaint.trim()}`);
}
