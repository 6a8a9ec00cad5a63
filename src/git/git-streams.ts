import { connect, type Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { deferred, onAbort } from '../lib/abort.js';
import type { Clock } from '../lib/clock.js';
import { errorMessage } from '../lib/errors.js';
import { GitError } from './git-error.js';
import type { ObjectFolders } from './objects/object-folders.js';
import { endInTime } from './processes/end-in-time.js';
import { readyLine, type StreamHeader } from './processes/helper-messages.js';
import type { GitHelper, HelperProcess, HelperWork } from './processes/helper-process.js';

/** A git command that reads and writes streams, for as long as whoever is at their other ends takes. */
export type GitStreamCommand = {
  /** The folder of the bare repository. */
  readonly gitDir: string;
  /** The git command and its arguments, as `upload-pack --stateless-rpc`; none of them comes from an event or a request. */
  readonly args: readonly string[];
  /** Settings of this command alone. */
  readonly config?: readonly (readonly [key: string, value: string])[];
  /** Where its objects are, if not in its repository alone. */
  readonly objects?: ObjectFolders;
  /** What git finds as `GIT_PROTOCOL`; it was checked. */
  readonly protocol?: string;
  /** Bytes that it may take of memory in one piece. */
  readonly allocationBytesMax?: number;
  /** Bytes of memory of its own that it may take, where that is less than `gitMemoryBytesMax`. */
  readonly memoryBytesMax?: number;
  /** The longest that it may take. */
  readonly msMax: number;
  /** Whether it gives way to all else on the processor. */
  readonly isBackground?: boolean;
};

/** How a command that streamed ended. */
export type GitStreamEnd = {
  /** `null` for one that was ended from outside. */
  readonly exitCode: number | null;
  /** What it wrote to its standard error, bounded. */
  readonly complaint: string;
  /** Whether it took longer than it might. */
  readonly isLate: boolean;
};

/** A git process that runs; whoever started it reads `output` to its end, or calls `end`. */
export type GitStream = {
  /** Its standard input. An error of it says that git has stopped reading; `ended` says why. */
  readonly input: Writable;
  /** Its standard output. */
  readonly output: Readable;
  /** Settles when the process ended; never rejects. */
  readonly ended: Promise<GitStreamEnd>;
  /** Ends the process with all that it started, and both streams; nothing happens when it has ended. */
  end(): void;
};

/** Starts git commands that stream. */
export type GitStreams = {
  /**
   * Starts a command, which ends when the signal aborts. Rejects with `GitError`, or with the signal's reason. How many run
   * at once is the caller's business (`processes/process-gate.ts`).
   */
  start(command: GitStreamCommand, signal: AbortSignal): Promise<GitStream>;
};

/**
 * Streams between git and us over Unix sockets that the helper process hands to git as its standard input and output: no
 * byte is copied on the way, and who reads slowly makes git wait.
 */
export class HelperGitStreams implements GitStreams {
  readonly #helper: GitHelper;
  readonly #clock: Clock;

  constructor(helper: GitHelper, clock: Clock) {
    this.#helper = helper;
    this.#clock = clock;
  }

  async start({ msMax, ...command }: GitStreamCommand, signal: AbortSignal): Promise<GitStream> {
    signal.throwIfAborted();
    const helper = this.#helper.current();
    const path = await helper.socketPath();
    signal.throwIfAborted();
    const work = helper.expect();
    const opening = [
      connectTo(path, { id: work.id, direction: 'input' }, work, signal),
      connectTo(path, { id: work.id, direction: 'output', command }, work, signal),
    ] as const;
    try {
      const [input, output] = await Promise.all(opening);
      return this.#streamOf(input, output, helper, work, msMax, signal);
    } catch (error) {
      // It may have begun all the same.
      helper.end(work.id);
      helper.forget(work.id);
      for (const half of opening) half.then((socket) => socket.destroy()).catch(() => {});
      throw error;
    }
  }

  #streamOf(
    input: Socket,
    output: Socket,
    helper: HelperProcess,
    { id, answer }: HelperWork,
    msMax: number,
    signal: AbortSignal,
  ): GitStream {
    const limit = endInTime(this.#clock, helper, id, msMax);
    const close = () => {
      input.destroy();
      output.destroy();
    };
    const end = () => {
      close();
      helper.end(id);
    };
    const aborting = onAbort(signal, end);
    const ended = answer
      .then(
        (said) => ({
          exitCode: said.type === 'ended' ? said.exitCode : null,
          complaint: said.type === 'ended' ? said.complaint : '',
        }),
        (error: unknown) => {
          // Without its helper nobody else would end it.
          close();
          return { exitCode: null, complaint: errorMessage(error) };
        },
      )
      .then((what): GitStreamEnd => {
        limit.cancel();
        aborting[Symbol.dispose]();
        return { ...what, isLate: limit.isLate };
      });
    // Nothing comes on it but the end.
    input.resume();
    return { input, output, ended, end };
  }
}

/** Connects and sends the header; resolves, paused, when all that follows is git's. */
async function connectTo(
  path: string,
  header: StreamHeader,
  { answer }: HelperWork,
  signal: AbortSignal,
): Promise<Socket> {
  const ready = deferred<void>();
  const socket = connect({ path });
  // Later errors are those of a process that ended, which says so itself.
  socket.on('error', (cause) => {
    ready.reject(new GitError('git_helper', `git could not be reached: ${cause.message}`, { cause }));
  });
  socket.once('close', () => ready.reject(new GitError('git_helper', 'git could not be reached')));
  answer.catch(ready.reject);
  using _ = onAbort(signal, ready.reject);
  socket.write(`${JSON.stringify(header)}\n`);
  socket.on('readable', () => {
    // No more than the line: what follows it may have come with it.
    const line = socket.read(readyLine.length) as Buffer | null;
    if (line === null) return;
    socket.removeAllListeners('readable');
    ready.resolve();
  });
  try {
    await ready.promise;
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
