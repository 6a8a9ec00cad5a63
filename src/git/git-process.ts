import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { limits } from '../config/limits.js';
import { onAbort } from '../lib/abort.js';
import { type GitCommand, nameOf } from './git-command.js';
import { GitError } from './git-error.js';

/**
 * Nothing of the operator's own git set-up has a say: no system or user configuration, no prompt, no replacement
 * objects, no fetching of missing objects. Messages are in one language.
 */
function gitEnvironment(): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_NO_LAZY_FETCH: '1',
  };
}

/** Hooks that somebody put into a repository are never run. */
const alwaysConfigured = ['-c', 'core.hooksPath=/dev/null', '-c', 'core.fsmonitor=false'];

/**
 * Spawns git, without a shell, and answers what it wrote. When the signal aborts, git is asked to end, so that it
 * takes its lock files along, and killed if it does not. Rejects with `GitError`.
 */
export async function runGitProcess(command: GitCommand, signal: AbortSignal): Promise<string> {
  const child = spawn('git', [`--git-dir=${command.gitDir}`, ...alwaysConfigured, ...command.args], {
    env: gitEnvironment(),
    stdio: 'pipe',
    // A process group of its own, so that what git started ends with it.
    detached: true,
  });
  let killing: NodeJS.Timeout | undefined;
  const end = () => {
    signalGroup(child, 'SIGTERM');
    killing ??= setTimeout(() => signalGroup(child, 'SIGKILL'), limits.gitKillMs);
  };
  using _ = onAbort(signal, end);
  try {
    return await collect(child, command, end);
  } finally {
    clearTimeout(killing);
  }
}

function signalGroup({ pid }: ChildProcessWithoutNullStreams, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, name);
  } catch {
    // All of the group have ended by themselves.
  }
}

/** Feeds a process and waits for its end; `end` ends it when it writes too much. */
async function collect(
  child: ChildProcessWithoutNullStreams,
  command: GitCommand,
  end: () => void,
): Promise<string> {
  const output = new Collected(limits.gitOutputBytesMax);
  const complaint = new Collected(limits.gitComplaintBytesMax);
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve);
    child.once('error', (cause) => {
      reject(new GitError('git_spawn', `${nameOf(command)} could not be run: ${cause.message}`, { cause }));
    });
  });
  // Without descriptors for its pipes there is nothing but the error.
  if (child.stdin === undefined) await exit;
  child.stdout.on('data', (chunk: Buffer) => {
    if (!output.add(chunk)) end();
  });
  child.stderr.on('data', (chunk: Buffer) => complaint.add(chunk));
  // A process that ends before it has read everything breaks the pipe; its exit code says what happened.
  child.stdin.on('error', () => {});
  child.stdin.end(command.input ?? '');
  const exitCode = await exit;
  if (output.isOverfull)
    throw new GitError('git_output', `${nameOf(command)} wrote too much`, { retryable: false });
  if (exitCode !== 0) {
    const said = complaint.text().trim();
    const why = said === '' ? `exit code ${exitCode}` : said;
    throw new GitError('git_failed', `${nameOf(command)} failed: ${why}`);
  }
  return output.text();
}

/** Bytes of a stream, up to a limit. */
class Collected {
  readonly #bytesMax: number;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get isOverfull(): boolean {
    return this.#bytes > this.#bytesMax;
  }

  /** Whether the chunk fitted. */
  add(chunk: Buffer): boolean {
    const room = this.#bytesMax - this.#bytes;
    if (room > 0) this.#chunks.push(chunk.subarray(0, room));
    this.#bytes += chunk.length;
    return !this.isOverfull;
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}
