import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { limits } from '../../config/limits.js';
import { type Deferred, deferred, onAbort } from '../../lib/abort.js';
import { GitError } from '../git-error.js';
import type { HelperAnswer, HelperRequest } from './helper-messages.js';
import { removeSocketFolder } from './stream-server.js';

/** Node loads the helper itself, so always from the compiled output, also when the sources are run by a test. */
const helperFile = fileURLToPath(new URL('../../../dist/git/processes/git-helper.js', import.meta.url));

/**
 * The shell sets the limits of the system that every git inherits, where the system lets it, and becomes what it is
 * given: Node has no call for that.
 */
const setLimits = [
  'ulimit -c 0',
  `ulimit -d ${limits.gitMemoryBytesMax / 1_024}`,
  `echo ${limits.gitOomScore} > /proc/self/oom_score_adj`,
].join('; ');
const underLimits = `{ ${setLimits}; } 2>/dev/null; exec "$@"`;

type Request<Type> = Omit<Extract<HelperRequest, { type: Type }>, 'id'>;

/** A request that the helper works on; `answer` rejects with `GitError`. */
export type HelperWork = { readonly id: number; readonly answer: Promise<HelperAnswer> };

/**
 * The helper process, started when it is first needed and again after it broke; after the signal aborted what runs in
 * it is ended, and it ends itself.
 */
export class GitHelper {
  readonly #signal: AbortSignal;
  #process: HelperProcess | undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    onAbort(signal, () => this.#process?.disconnect());
  }

  /** Throws the signal's reason after that aborted. */
  current(): HelperProcess {
    this.#signal.throwIfAborted();
    if (this.#process === undefined || this.#process.isGone) this.#process = new HelperProcess();
    return this.#process;
  }
}

/** One helper process and the commands that it was given. It keeps our process alive only while one of them runs. */
export class HelperProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Deferred<HelperAnswer>>();
  #socketPath: Promise<string> | undefined;
  #ids = 0;
  isGone = false;

  constructor() {
    const { PATH, TMPDIR } = process.env;
    this.#child = spawn('/bin/sh', ['-c', underLimits, 'sh', process.execPath, helperFile], {
      // In a process group of its own, so that what a terminal signals reaches only the daemon.
      detached: true,
      // Nothing else of the environment: it may hold the secret key.
      env: { PATH, ...(TMPDIR === undefined ? {} : { TMPDIR }) },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#child.on('message', (answer: HelperAnswer) => this.#settle(answer));
    // There may be several: what was sent and what was not.
    this.#child.on('error', (error) => this.#break(error));
    this.#child.once('exit', () => this.#break(undefined));
    this.#child.unref();
    this.#child.channel?.unref();
  }

  /** Sends a request. */
  ask(request: Request<'run'> | Request<'listen'>): HelperWork {
    const work = this.expect();
    this.#tell({ ...request, id: work.id });
    return work;
  }

  /** An id for work that the helper gets to know by a connection. */
  expect(): HelperWork {
    const id = this.#ids++;
    const waiting = deferred<HelperAnswer>();
    this.#waiting.set(id, waiting);
    this.#child.channel?.ref();
    if (this.isGone) this.#break(undefined);
    return { id, answer: waiting.promise };
  }

  /** Nothing is expected any more of work that did not begin. */
  forget(id: number): void {
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#child.channel?.unref();
  }

  /** Where connections for commands that stream are taken. Rejects with `GitError`. */
  socketPath(): Promise<string> {
    this.#socketPath ??= this.ask({ type: 'listen' }).answer.then((answer) => {
      if (answer.type !== 'listening') throw new TypeError(`${answer.type} is no answer to listen`);
      // One that was killed leaves its folder behind.
      this.#child.once('exit', () => removeSocketFolder(answer.path));
      return answer.path;
    });
    return this.#socketPath;
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
    this.forget(answer.id);
    if (answer.type !== 'failed') waiting?.resolve(answer);
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
