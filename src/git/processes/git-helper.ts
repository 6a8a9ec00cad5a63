/**
 * The helper process: a small one that spawns git for the daemon. Spawning copies the page tables of the parent,
 * which takes the longer the more memory that uses; the daemon, with its index in memory, would stand still for it.
 */
import { constants, getPriority, setPriority } from 'node:os';
import { limits } from '../../config/limits.js';
import { errorCode, errorMessage } from '../../lib/errors.js';
import { GitError } from '../git-error.js';
import { Collected } from './collected.js';
import { runGitProcess } from './git-process.js';
import type { HelperAnswer, HelperRequest } from './helper-messages.js';
import { groupEnd, spawnGit } from './spawn-git.js';
import { type ConnectedCommand, StreamServer } from './stream-server.js';

/** How much less urgent git is than the daemon, in the system's own measure: it gets a third of what the daemon does. */
const niceness = 5;

const running = new Map<number, AbortController>();
const streams = new StreamServer((connected) => void stream(connected));

// Where processors are short, git gives way to the relay: who publishes waits for milliseconds, who clones for seconds.
setPriority(Math.min(getPriority() + niceness, constants.priority.PRIORITY_LOW));

/** Does the work of a request, and says what became of it. */
async function perform(id: number, work: (signal: AbortSignal) => Promise<HelperAnswer>): Promise<void> {
  const controller = new AbortController();
  running.set(id, controller);
  let answer: HelperAnswer;
  try {
    answer = await work(controller.signal);
  } catch (error) {
    const retryable = error instanceof GitError ? error.retryable : true;
    answer = { type: 'failed', id, code: errorCode(error), message: errorMessage(error), retryable };
  }
  running.delete(id);
  // Where the daemon is just gone and this process was not told yet, nobody waits for the answer: that must not end what
  // ends the commands that run.
  if (process.connected) process.send?.(answer, undefined, {}, () => {});
}

/** Spawns git upon the connections themselves: what it reads and writes is never seen here. */
function stream({ id, command, input, output }: ConnectedCommand): Promise<void> {
  return perform(id, (signal) => {
    const { config = [], args, ...rest } = command;
    const settings = config.flatMap(([key, value]) => ['-c', `${key}=${value}`]);
    const child = spawnGit({ ...rest, args: [...settings, ...args] }, [input, output, 'pipe']);
    // Git has them now; as long as they are open here too, their other sides would not see its end.
    input.destroy();
    output.destroy();
    const complaint = new Collected(limits.gitComplaintBytesMax);
    child.stderr?.on('data', (chunk: Buffer) => complaint.add(chunk));
    const group = groupEnd(child, signal);
    return new Promise<HelperAnswer>((resolve, reject) => {
      child.once('close', (exitCode) =>
        resolve({ type: 'ended', id, exitCode, complaint: complaint.text() }),
      );
      child.once('error', (cause) => {
        reject(new GitError('git_spawn', `git ${args[0]} could not be run: ${cause.message}`, { cause }));
      });
    }).finally(() => group[Symbol.dispose]());
  });
}

process.on('message', (request: HelperRequest) => {
  // What was sent last may come after the news that the daemon is gone.
  if (!process.connected) return;
  const { id } = request;
  if (request.type === 'run') {
    const { command } = request;
    void perform(id, async (signal) => ({ type: 'done', id, output: await runGitProcess(command, signal) }));
  } else if (request.type === 'listen') {
    void perform(id, async () => ({ type: 'listening', id, path: await streams.listen() }));
  } else running.get(id)?.abort();
});

// The daemon decides when this process ends, also when a terminal or a service manager signals both of them.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
// When the daemon is gone, so is the reason for what runs; the process ends with the last of it.
process.on('disconnect', () => {
  streams.close();
  for (const controller of running.values()) controller.abort();
});
