import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder that is gone after the test; `using` removes it. */
export function scratchFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'graspd-git-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

const author = {
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@example.com',
  GIT_AUTHOR_DATE: '1700000000 +0000',
};
const env = {
  PATH: process.env.PATH,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_COMMITTER_NAME: author.GIT_AUTHOR_NAME,
  GIT_COMMITTER_EMAIL: author.GIT_AUTHOR_EMAIL,
  GIT_COMMITTER_DATE: author.GIT_AUTHOR_DATE,
  ...author,
};

/** Runs the real git on a repository, to prepare it and to look at it. */
export function git(gitDir: string, args: readonly string[], input: string | Buffer = ''): string {
  return gitBytes(gitDir, args, input).toString('utf8').trim();
}

/** The same, for what is no text. */
export function gitBytes(gitDir: string, args: readonly string[], input: string | Buffer = ''): Buffer {
  return execFileSync('git', [`--git-dir=${gitDir}`, ...args], {
    env,
    input,
    stdio: 'pipe',
    maxBuffer: 2 ** 28,
  });
}

/** Writes a commit, different for each message, and gives its id. */
export function writeCommit(gitDir: string, message: string): string {
  const tree = git(gitDir, ['mktree']);
  return git(gitDir, ['commit-tree', tree, '-m', message]);
}

export function writeBlob(gitDir: string, content: string): string {
  return git(gitDir, ['hash-object', '-w', '--stdin'], content);
}

/** All refs, as `{ name: objectId }`. */
export function refsOf(gitDir: string): Record<string, string> {
  const lines = git(gitDir, ['for-each-ref', '--format=%(refname) %(objectname)']).split('\n');
  return Object.fromEntries(
    lines.filter((line) => line !== '').map((line) => line.split(' ') as [string, string]),
  );
}

export function headOf(gitDir: string): string {
  return git(gitDir, ['symbolic-ref', 'HEAD']);
}
