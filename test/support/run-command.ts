import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { DaemonProcess } from './daemon-process.js';

const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** What a command ended with. */
export type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Runs a command in the folder of a daemon, as its operator would. */
export function runCommand(
  daemon: Pick<DaemonProcess, 'directory'>,
  ...args: readonly string[]
): Promise<Ended> {
  const env = { PATH: process.env.PATH };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [program, ...args],
      { cwd: daemon.directory, env },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      },
    );
  });
}

/** What a command wrote with `--json`. */
export const jsonLines = <T>({ stdout }: Pick<Ended, 'stdout'>): T[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
