import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { deferred } from '../../src/lib/abort.js';
import type { LogLine } from './daemon-process.js';

const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/**
 * Opens a socket at loopback and gives it to one process after the other, as systemd does with a socket unit. It waits for
 * them without a turn of its event loop, so it accepts nothing itself.
 */
const holder = `
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
const server = createServer().listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ msg: 'holding', port: server.address().port }));
  const stdio = ['ignore', 'inherit', 'inherit', server._handle.fd];
  const script = 'echo "{\\\\"msg\\\\":\\\\"given to\\\\",\\\\"pid\\\\":$$}"; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"';
  while (spawnSync('/bin/sh', ['-c', script, 'sh', ...process.argv.slice(1)], { stdio }).status === 0);
});
`;

/** `graspd` under a manager that holds its socket and starts it again whenever it has ended. */
export class SocketHolder implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #directory: string;
  readonly #log: LogLine[] = [];
  #changed = deferred<void>();

  private constructor(child: ChildProcess, directory: string) {
    this.#child = child;
    this.#directory = directory;
    if (child.stdout === null) throw new Error('the holder has no output');
    createInterface({ input: child.stdout }).on('line', (text) => {
      this.#log.push(JSON.parse(text) as LogLine);
      this.#changed.resolve();
      this.#changed = deferred<void>();
    });
  }

  /** Starts the manager and the first daemon, and waits until that listens. */
  static async start(flags: readonly string[]): Promise<SocketHolder> {
    const directory = await mkdtemp(join(tmpdir(), 'graspd-test-'));
    const args = ['--input-type=module', '-e', holder, process.execPath, program, ...flags];
    const child = spawn(process.execPath, args, {
      cwd: directory,
      env: { PATH: process.env.PATH, HOME: directory, NGIT_TEST: '1' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const started = new SocketHolder(child, directory);
    // Not even a test that runs out of time leaves a process behind.
    const onExit = () => {
      child.kill('SIGKILL');
      started.#kill('SIGKILL');
    };
    process.once('exit', onExit);
    child.once('exit', () => process.off('exit', onExit));
    await started.line('listening', 1);
    return started;
  }

  /** The `count`-th line of this message, already written or still to come. */
  async line(message: string, count: number): Promise<LogLine> {
    for (;;) {
      const line = this.#log.filter(({ msg }) => msg === message)[count - 1];
      if (line !== undefined) return line;
      await this.#changed.promise;
    }
  }

  /** The port of the socket. */
  async port(): Promise<number> {
    return (await this.line('holding', 1)).port as number;
  }

  /** Ends the daemon of this number, counted from 1, in good order. */
  async stop(count: number): Promise<void> {
    process.kill((await this.line('given to', count)).pid as number, 'SIGTERM');
  }

  /** Sends a signal to the last daemon, where there is one. */
  #kill(signal: NodeJS.Signals): void {
    const pid = this.#log.findLast(({ msg }) => msg === 'given to')?.pid;
    if (typeof pid === 'number') process.kill(pid, signal);
  }

  /** Ends the manager and the last daemon. */
  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
    const closed = once(this.#child.stdout as NodeJS.ReadableStream, 'close');
    this.#kill('SIGTERM');
    await closed;
    await rm(this.#directory, { recursive: true, force: true });
  }
}
