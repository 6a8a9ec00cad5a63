import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a git command ended with. */
export type GitResult = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

const environment = {
  PATH: process.env.PATH,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  LC_ALL: 'C',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_AUTHOR_DATE: '1700000000 +0000',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
  GIT_COMMITTER_DATE: '1700000000 +0000',
};

/** The real git as a person uses it, in a working copy of a temporary folder that goes with it. */
export class GitClient implements AsyncDisposable {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** A working copy on the branch `main` without a commit. */
  static async init(): Promise<GitClient> {
    const client = new GitClient(await mkdtemp(join(tmpdir(), 'graspd-client-')));
    await client.ok('init', '--quiet', '--initial-branch=main');
    return client;
  }

  /** Runs git; fails only when it cannot be run. */
  async run(...args: readonly string[]): Promise<GitResult> {
    const child = spawn('git', ['-C', this.directory, ...args], { env: environment, stdio: 'pipe' });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.stdin.end();
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('close', resolve);
      child.once('error', reject);
    });
    return { code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() };
  }

  /** Runs git, which must succeed, and gives what it wrote. */
  async ok(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...args);
    if (code !== 0) throw new Error(`git ${args.join(' ')} ended with ${code}: ${stderr}`);
    return stdout.trim();
  }

  /** Commits a file of that name and content on the branch that is checked out; gives the id of the commit. */
  async commit(name: string, content: string): Promise<string> {
    await writeFile(join(this.directory, name), content);
    await this.ok('add', '--all');
    await this.ok('commit', '--quiet', '--message', `${name}: ${content.slice(0, 20)}`);
    return await this.ok('rev-parse', 'HEAD');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}
