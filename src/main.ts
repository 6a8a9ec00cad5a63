#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { commands } from './commands/commands.js';
import { dispatch } from './commands/dispatch.js';
import { exitCodeOf } from './commands/exit-code.js';
import { limits } from './config/limits.js';
import { programName } from './config/version.js';
import { isAbort } from './lib/abort.js';
import { errorCode, errorMessage, GraspError } from './lib/errors.js';

/** What happened first, where releasing resources failed after it. */
function firstError(error: unknown): unknown {
  const isSuppressed = error instanceof Error && error.name === 'SuppressedError' && 'suppressed' in error;
  return isSuppressed ? firstError(error.suppressed) : error;
}

/** Writes the one line that an error has for the operator; the stack too where the error is a fault of ours. */
function report(error: unknown): void {
  const isExpected = error instanceof GraspError || (error instanceof Error && 'syscall' in error);
  const stack = !isExpected && error instanceof Error ? `\n${error.stack}` : '';
  process.stderr.write(`${programName}: ${errorMessage(error)}${stack}\n`);
}

function fail(error: unknown): never {
  report(error);
  process.exit(exitCodeOf(error));
}

/** The first signal asks for an orderly end, with a time limit; the second ends at once. */
function stopOnSignals(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(128 + constants.signals[name]);
      controller.abort(new GraspError('interrupted', `stopped by ${name}`));
      const overdue = new GraspError(
        'shutdown_overdue',
        `the end took longer than ${limits.shutdownMsMax} ms`,
      );
      setTimeout(() => fail(overdue), limits.shutdownMsMax).unref();
    });
  }
  return controller.signal;
}

// All that is written, by git too, is for the user that graspd runs as. It holds what is not served, such as held events.
process.umask(0o077);
process.on('uncaughtException', fail);
process.stdout.on('error', (error) => {
  // A reader that has seen enough, as in `graspd export | head`, is no fault.
  if (errorCode(error) === 'EPIPE') process.exit(0);
  fail(error);
});

const signal = stopOnSignals();
try {
  process.exitCode = await dispatch(process.argv.slice(2), commands, {
    environment: process.env,
    readFile: (path) => readFileSync(path, 'utf8'),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    signal,
    onHangup: (listener) => process.on('SIGHUP', listener),
  });
} catch (error) {
  const cause = firstError(error);
  report(isAbort(cause, signal) ? new GraspError('interrupted', 'stopped before it was done') : cause);
  process.exitCode = exitCodeOf(cause);
}
