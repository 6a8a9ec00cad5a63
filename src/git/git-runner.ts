import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { limits } from '../config/limits.js';
import { isAbort, TimeLimitError } from '../lib/abort.js';
import type { Clock } from '../lib/clock.js';
import { GitError } from './git-error.js';
import { Slots } from './slots.js';

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
 * Spawns git, without a shell, at most `gitProcessesMax` at once, each for at most `gitMsMax`. After the signal
 * aborted nothing is begun, and what runs is ended.
 */
export class GitRunner implements Git {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #slots = new Slots(limits.gitProcessesMax);

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
  }

  /** Rejects with `GitError` or `TimeLimitError`, or with the signal's reason. */
  async run(command: GitCommand): Promise<string> {
    return await this.#slots.use(async () => {
      this.#signal.throwIfAborted();
      return await this.#spawn(command);
    });
  }

  async #spawn({ gitDir, args, input }: GitCommand): Promise<string> {
    const name = `git ${args[0]}`;
    const child = spawn('git', [`--git-dir=${gitDir}`, ...alwaysConfigured, ...args], {
      env: gitEnvironment(),
      stdio: 'pipe',
      windowsHide: true,
    });
    const stop = new Stopper(child, this.#clock);
    const onAbort = () => stop.because(this.#signal.reason);
    this.#signal.addEventListener('abort', onAbort, { once: true });
    const cancelLimit = this.#clock.after(limits.gitMsMax, () =>
      stop.because(new TimeLimitError(name, limits.gitMsMax)),
    );
    try {
      return await collect(child, name, input ?? '', stop);
    } catch (error) {
      if (isAbort(error, this.#signal) || error instanceof TimeLimitError || error instanceof GitError)
        throw error;
      throw new GitError('git_spawn', `${name} could not be run`, { cause: error });
    } finally {
      cancelLimit();
      stop.release();
      this.#signal.removeEventListener('abort', onAbort);
    }
  }
}

/** Ends a process: first asks, so that git takes its lock files along, then kills. */
class Stopper {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #clock: Clock;
  #cancelKill: (() => void) | undefined;
  /** Why the process was ended, if it was. */
  reason: unknown;

  constructor(child: ChildProcessWithoutNullStreams, clock: Clock) {
    this.#child = child;
    this.#clock = clock;
  }

  because(reason: unknown): void {
    if (this.reason !== undefined) return;
    this.reason = reason;
    this.#child.kill('SIGTERM');
    this.#cancelKill = this.#clock.after(limits.gitKillMs, () => this.#child.kill('SIGKILL'));
  }

  release(): void {
    this.#cancelKill?.();
  }
}

/** Feeds a process and waits for its end; answers what it wrote. */
async function collect(
  child: ChildProcessWithoutNullStreams,
  name: string,
  input: string,
  stop: Stopper,
): Promise<string> {
  const output = new Collected(limits.gitOutputBytesMax);
  const complaint = new Collected(limits.gitComplaintBytesMax);
  child.stdout.on('data', (chunk: Buffer) => {
    if (!output.add(chunk))
      stop.because(new GitError('git_output', `${name} wrote too much`, { retryable: false }));
  });
  child.stderr.on('data', (chunk: Buffer) => complaint.add(chunk));
  // A process that ends before it has read everything breaks the pipe; its exit code says what happened.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (stop.reason !== undefined) throw stop.reason;
  if (exitCode !== 0) {
    const said = complaint.text().trim();
    throw new GitError('git_failed', `${name} failed: ${said === '' ? `exit code ${exitCode}` : said}`);
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

  /** Whether the chunk fitted. */
  add(chunk: Buffer): boolean {
    const room = this.#bytesMax - this.#bytes;
    if (room > 0) this.#chunks.push(chunk.subarray(0, room));
    this.#bytes += chunk.length;
    return this.#bytes <= this.#bytesMax;
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}
