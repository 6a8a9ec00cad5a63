import { ClosingRefusedError } from '../alignment/closing.js';
import { BackupError } from '../backup/errors.js';
import { ControlError } from '../control/control-socket.js';
import { OwnerKeyError } from '../daemon/owner-key.js';
import { ListenError } from '../http/listen-error.js';
import { StoreError } from '../store/event-store.js';
import { UsageError } from './command.js';

/** Exit codes by the class of what went wrong, so that who starts the program knows whether to try again. */
export const exitCodes = { other: 1, usage: 2, store: 3, network: 4 } as const;

/** The exit code of a process that this ended. */
export function exitCodeOf(error: unknown): number {
  // What a daemon refuses was asked the wrong way, as what a command refuses itself.
  const isRefused = error instanceof ControlError && error.code === 'control_refused';
  const isUsage = error instanceof UsageError || error instanceof ClosingRefusedError || isRefused;
  if (isUsage) return exitCodes.usage;
  if (error instanceof StoreError || error instanceof OwnerKeyError || error instanceof BackupError) {
    return exitCodes.store;
  }
  // Also one that is busy: asked again later it answers.
  if (error instanceof ListenError || error instanceof ControlError) return exitCodes.network;
  return exitCodes.other;
}
