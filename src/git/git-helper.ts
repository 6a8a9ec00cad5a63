/**
 * The helper process: a small one that spawns git for the daemon. Spawning copies the page tables of the parent,
 * which takes the longer the more memory that uses; the daemon, with its index in memory, would stand still for it.
 */
import { errorCode, errorMessage } from '../lib/errors.js';
import type { GitCommand } from './git-command.js';
import { GitError } from './git-error.js';
import { runGitProcess } from './git-process.js';

/** From the daemon: run a command, or end one that runs. */
export type HelperRequest =
  | { readonly type: 'run'; readonly id: number; readonly command: GitCommand }
  | { readonly type: 'end'; readonly id: number };

/** To the daemon, once for each command. */
export type HelperAnswer =
  | { readonly type: 'done'; readonly id: number; readonly output: string }
  | {
      readonly type: 'failed';
      readonly id: number;
      readonly code: string;
      readonly message: string;
      readonly retryable: boolean;
    };

const running = new Map<number, AbortController>();

async function run(id: number, command: GitCommand): Promise<void> {
  const controller = new AbortController();
  running.set(id, controller);
  let answer: HelperAnswer;
  try {
    answer = { type: 'done', id, output: await runGitProcess(command, controller.signal) };
  } catch (error) {
    const retryable = error instanceof GitError ? error.retryable : true;
    answer = { type: 'failed', id, code: errorCode(error), message: errorMessage(error), retryable };
  }
  running.delete(id);
  if (process.connected) process.send?.(answer);
}

process.on('message', (request: HelperRequest) => {
  // What was sent last may come after the news that the daemon is gone.
  if (!process.connected) return;
  if (request.type === 'run') void run(request.id, request.command);
  else running.get(request.id)?.abort();
});

// The daemon decides when this process ends, also when a terminal or a service manager signals both of them.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
// When the daemon is gone, so is the reason for what runs; the process ends with the last of it.
process.on('disconnect', () => {
  for (const controller of running.values()) controller.abort();
});
