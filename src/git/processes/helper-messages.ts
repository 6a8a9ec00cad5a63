import type { GitCommand } from '../git-command.js';
import type { GitStreamCommand } from '../git-streams.js';

/** From the daemon: run a command, take connections for commands that stream, or end one that runs. */
export type HelperRequest =
  | { readonly type: 'run'; readonly id: number; readonly command: GitCommand }
  | { readonly type: 'listen'; readonly id: number }
  | { readonly type: 'end'; readonly id: number };

/** To the daemon, once for each request but `end`, and for each command that streams. */
export type HelperAnswer =
  | { readonly type: 'done'; readonly id: number; readonly output: string }
  /** `path`: of the socket. */
  | { readonly type: 'listening'; readonly id: number; readonly path: string }
  | {
      readonly type: 'ended';
      readonly id: number;
      readonly exitCode: number | null;
      readonly complaint: string;
    }
  | {
      readonly type: 'failed';
      readonly id: number;
      readonly code: string;
      readonly message: string;
      readonly retryable: boolean;
    };

/**
 * The line that begins a connection. A command has two, one for each direction: git that ends before it has read everything
 * breaks its input, which must not take what it wrote along. Both are answered by `readyLine` and are git's from then on.
 */
export type StreamHeader = { readonly id: number } & (
  | { readonly direction: 'input' }
  | { readonly direction: 'output'; readonly command: Omit<GitStreamCommand, 'msMax'> }
);

export const readyLine = 'ready\n';
