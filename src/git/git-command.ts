import type { ObjectFolders } from './objects/object-folders.js';

export type GitCommand = {
  /** The folder of the bare repository. */
  readonly gitDir: string;
  /** The git command and its arguments; none of them comes from an event. */
  readonly args: readonly string[];
  /** What the command reads. */
  readonly input?: string;
  /** Where its objects are, if not in its repository alone. */
  readonly objects?: ObjectFolders;
  /** The longest that it may take, if not `gitMsMax`. */
  readonly msMax?: number;
  /** Bytes that it may take of memory in one piece. */
  readonly allocationBytesMax?: number;
  /** Bytes of memory of its own that it may take, where that is less than `gitMemoryBytesMax`. */
  readonly memoryBytesMax?: number;
  /** Who caused it, where places are shared; without, it is a party by itself. */
  readonly party?: string;
};

/** Runs git commands on bare repositories and gives back what they wrote, as UTF-8; ends one when its signal aborts. */
export type Git = { run(command: GitCommand, signal?: AbortSignal): Promise<string> };

/** The same git, whose commands end when the signal aborts. */
export function endedBy(git: Git, signal: AbortSignal): Git {
  return {
    run: (command, other) =>
      git.run(command, other === undefined ? signal : AbortSignal.any([signal, other])),
  };
}

/** The same git, whose commands count for a party where places are shared. */
export function countedFor(git: Git, party: string | undefined): Git {
  if (party === undefined) return git;
  return { run: (command, signal) => git.run({ ...command, party }, signal) };
}

/** The same git, whose commands may take so many bytes of memory of their own. */
export function limitedTo(git: Git, memoryBytesMax: number | undefined): Git {
  if (memoryBytesMax === undefined) return git;
  return { run: (command, signal) => git.run({ ...command, memoryBytesMax }, signal) };
}

/** The command as a log line or an error names it. */
export function nameOf({ args }: GitCommand): string {
  return `git ${args[0]}`;
}

export type GitVersion = {
  readonly major: number;
  readonly minor: number;
  /** As git says it. */
  readonly text: string;
};

/** The version of the git that is run; 0.0 where that cannot be read. Rejects with `GitError` when git cannot be run. */
export async function readGitVersion(git: Git, gitDir: string): Promise<GitVersion> {
  const text = (await git.run({ gitDir, args: ['version'] })).trim();
  const [, major = 0, minor = 0] = /(\d{1,9})\.(\d{1,9})/.exec(text)?.map(Number) ?? [];
  return { major, minor, text };
}

export function isAtLeast(
  { major, minor }: GitVersion,
  [majorMin, minorMin]: readonly [number, number],
): boolean {
  return major > majorMin || (major === majorMin && minor >= minorMin);
}
