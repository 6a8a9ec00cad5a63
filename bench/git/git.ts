import { spawn } from 'node:child_process';
import { constants, setPriority } from 'node:os';

/** Git as somebody has it who never set it up, with fixed names and dates: the same content has the same ids. */
export const gitEnvironment: NodeJS.ProcessEnv = {
  PATH: process.env.PATH,
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@example.com',
  GIT_AUTHOR_DATE: '1700000000 +0000',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@example.com',
  GIT_COMMITTER_DATE: '1700000000 +0000',
};

export type RunOptions = {
  readonly input?: string;
  /** Whether it leaves the cores to whoever wants them, as a client on another machine does. */
  readonly givesWay?: boolean;
};

/** Runs git, and gives what it wrote. Rejects with what it complained about when it fails. */
export async function runGit(
  args: readonly string[],
  { input = '', givesWay = false }: RunOptions = {},
): Promise<string> {
  const child = spawn('git', [...args], { env: gitEnvironment, stdio: 'pipe' });
  if (givesWay && child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  // One that ends before it has read everything breaks the pipe; its exit code says what happened.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve);
    child.once('error', reject);
  });
  if (code !== 0) throw new Error(`git ${args.join(' ')} ended with ${code}: ${Buffer.concat(err)}`);
  return Buffer.concat(out).toString('utf8').trim();
}

/** The refs of a repository, as `{ name: objectId }`. */
export async function refsOf(gitDir: string): Promise<Record<string, string>> {
  const lines = await runGit([`--git-dir=${gitDir}`, 'for-each-ref', '--format=%(refname) %(objectname)']);
  return Object.fromEntries(lines.split('\n').map((line) => line.split(' ') as [string, string]));
}

/** Puts a commit with one new file upon `main`. */
export async function commitUpon(gitDir: string, number: number): Promise<void> {
  const git = async (args: readonly string[], input = '') =>
    await runGit([`--git-dir=${gitDir}`, ...args], { input });
  const blob = await git(['hash-object', '-w', '--stdin'], `one more: ${number}\n`);
  const entries = await git(['ls-tree', 'main']);
  const tree = await git(['mktree'], `${entries}\n100644 blob ${blob}\tone-more-${number}\n`);
  const commit = await git(['commit-tree', tree, '-p', 'main', '-m', `one more: ${number}`]);
  await git(['update-ref', 'refs/heads/main', commit]);
}
