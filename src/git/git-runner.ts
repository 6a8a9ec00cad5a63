import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { limits } from '../config/limits.js';
import { type Deferred, deferred, onAbort, TimeLimitError } from '../lib/abort.js';
import type { Clock } from '../lib/clock.js';
import { Slots } from '../lib/turns/slots.js';
import { type Git, type GitCommand, nameOf } from './git-command.js';
import { GitError } from './git-error.js';
import type { HelperAnswer, HelperRequest } from './git-helper.js';

/** Node loads the helper itself, so always from the compiled output, also when the sources are run by a test. */
const helperFile = fileURLToPath(new URL('../../dist/git/git-helper.js', import.meta.url));

/**
 * Runs git through a helper process, at most `gitProcessesMax` at once, each for at most `gitMsMax`. After the signal
 * aborted nothing is begun, and what runs is ended. The helper is started with the first command and again after it
 * broke; it keeps the process alive only while a command runs.
 */
export class GitRunner implements Git {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  /** Few wait here: repositories are aligned, and examined, `alignmentsAtOnceMax` at a time. */
  readonly #slots = new Slots(limits.gitProcessesMax);
  #helper: Helper | undefined;

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
    onAbort(signal, () => this.#helper?.disconnect());
  }

  /** Rejects with `GitError` or `TimeLimitError`, or with the signal's reason. */
  async run(command: GitCommand): Promise<string> {
    return await this.#slots.use(this.#signal, async () => {
      this.#signal.throwIfAborted();
      return await this.#runInHelper(command);
    });
  }

  async #runInHelper(command: GitCommand): Promise<string> {
    if (this.#helper === undefined || this.#helper.isGone) this.#helper = new Helper();
    const helper = this.#helper;
    const { id, answer } = helper.send(command);
    let isLate = false;
    let cancel = this.#clock.after(limits.gitMsMax, () => {
      isLate = true;
      helper.end(id);
      // The helper kills what does not end; one that does not answer then is broken itself.
      cancel = this.#clock.after(2 * limits.gitKillMs, () => helper.kill());
    });
    try {
      return await answer;
    } catch (error) {
      this.#signal.throwIfAborted();
      throw isLate ? new TimeLimitError(nameOf(command), limits.gitMsMax) : error;
    } finally {
      cancel();
    }
  }
}

/** One helper process and the commands that it was given. */
class Helper {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Deferred<string>>();
  #ids = 0;
  isGone = false;

  constructor() {
    // In a process group of its own, so that what a terminal signals reaches only the daemon.
    this.#child = fork(helperFile, [], {
      detached: true,
      execArgv: [],
      // Nothing else of the environment: it may hold the secret key.
      env: { PATH: process.env.PATH },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#child.on('message', (answer: HelperAnswer) => this.#settle(answer));
    this.#child.once('error', (error) => this.#break(error));
    this.#child.once('exit', () => this.#break(undefined));
    this.#child.unref();
    this.#child.channel?.unref();
  }

  send(command: GitCommand): { readonly id: number; readonly answer: Promise<string> } {
    const id = this.#ids++;
    const waiting = deferred<string>();
    this.#waiting.set(id, waiting);
    this.#child.channel?.ref();
    this.#tell({ type: 'run', id, command });
    return { id, answer: waiting.promise };
  }

  /** Asks for the end of a command; its answer comes as ever. */
  end(id: number): void {
    this.#tell({ type: 'end', id });
  }

  /** Lets the helper end what runs, and itself. */
  disconnect(): void {
    if (this.#child.connected) this.#child.disconnect();
    this.#break(undefined);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
    this.#break(undefined);
  }

  #tell(request: HelperRequest): void {
    if (!this.#child.connected) this.#break(undefined);
    else
      this.#child.send(request, (error) => {
        if (error !== null) this.#break(error);
      });
  }

  #settle(answer: HelperAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (this.#waiting.size === 0) this.#child.channel?.unref();
    if (answer.type === 'done') waiting?.resolve(answer.output);
    else waiting?.reject(new GitError(answer.code, answer.message, { retryable: answer.retryable }));
  }

  #break(cause: unknown): void {
    this.isGone = true;
    for (const waiting of this.#waiting.values()) {
      waiting.reject(new GitError('git_helper', 'the process that runs git ended', { cause }));
    }
    this.#waiting.clear();
  }
}
