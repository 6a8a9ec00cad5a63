import type { GitStreamEnd } from '../git/git-streams.js';
import { GraspError } from '../lib/errors.js';

/** A git process failed before it wrote anything; the message is a line that its client may see. */
export class GitFault extends GraspError {
  readonly isLate: boolean;

  constructor(gitDir: string, { exitCode, complaint, isLate }: GitStreamEnd) {
    super(
      'git_fault',
      isLate ? 'git took too long' : lineOf(complaint, gitDir) || `git ended with ${exitCode}`,
    );
    this.isLate = isLate;
  }
}

/** The line that says what was wrong, without the place on our disk. */
function lineOf(complaint: string, gitDir: string): string {
  const lines = complaint.replaceAll(gitDir, 'the repository').split('\n');
  const fatal = lines.find((line) => line.startsWith('fatal: '));
  return fatal?.slice('fatal: '.length) ?? lines[0] ?? '';
}
