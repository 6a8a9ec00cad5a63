export type GitCommand = {
  /** The folder of the bare repository. */
  readonly gitDir: string;
  /** The git command and its arguments; none of them comes from an event. */
  readonly args: readonly string[];
  /** What the command reads. */
  readonly input?: string;
};

/** Runs git commands on bare repositories and gives back what they wrote, as UTF-8. */
export type Git = { run(command: GitCommand): Promise<string> };

/** The command as a log line or an error names it. */
export function nameOf({ args }: GitCommand): string {
  return `git ${args[0]}`;
}
