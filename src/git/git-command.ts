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
};

/** Runs git commands on bare repositories and gives back what they wrote, as UTF-8. */
export type Git = { run(command: GitCommand): Promise<string> };

/** The command as a log line or an error names it. */
export function nameOf({ args }: GitCommand): string {
  return `git ${args[0]}`;
}
