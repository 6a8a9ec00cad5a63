import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { limits } from '../../src/config/limits.js';
import { freePort } from './free-port.js';

const built = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const builtLimits = new URL('../../dist/config/limits.js', import.meta.url).href;

/** Not even a test that runs out of time leaves a process behind. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** What the daemon says when it serves: as one that writes, or as one that follows another. */
const writingMessage = 'listening';
const servingMessages: ReadonlySet<string> = new Set([writingMessage, 'serving what another graspd writes']);

/** A line of the daemon's log. */
export type LogLine = { readonly level: string; readonly msg: string; readonly [detail: string]: unknown };

export type DaemonProcessOptions = {
  /** Flags beside the address and the data folders. */
  readonly flags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Working directory with the data; a temporary one, removed at the end, when absent. */
  readonly directory?: string;
  readonly port?: number;
  /** The address of loopback that it is bound to, as in a URL. */
  readonly host?: '127.0.0.1' | '[::1]';
  /** The program, in the place of the built one. */
  readonly program?: string;
  /** Most files that it may open; as many as this process otherwise. */
  readonly openFilesMax?: number;
  /** What new files are not to allow, in octal digits; as for this process otherwise. */
  readonly umask?: string;
  /**
   * The only DNS server that it knows, by address: it gets an `/etc/resolv.conf` of its own, which needs the right to
   * make a mount namespace (`nameServerObstacle`).
   */
  readonly nameServer?: string;
  /** Limits of the built program in the place of its own, as for what a test would wait for too long otherwise. */
  readonly limits?: { readonly [name in keyof typeof limits]?: number };
  /** Killed that many milliseconds after it was begun, be it ready or not. */
  readonly killedAfterMs?: number;
};

/** `graspd` as a real process on a free port of loopback; it ends with the test that started it. */
export class DaemonProcess implements AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly directory: string;
  readonly log: LogLine[] = [];
  /** All lines that it wrote to its standard output and error. */
  readonly output: string[] = [];
  readonly #child: ChildProcess;
  readonly #ownsDirectory: boolean;
  readonly #exit: Promise<number | string>;
  #writes = false;

  private constructor(
    child: ChildProcess,
    host: string,
    port: number,
    directory: string,
    ownsDirectory: boolean,
  ) {
    this.#child = child;
    this.port = port;
    this.url = `ws://${host}:${port}`;
    this.directory = directory;
    this.#ownsDirectory = ownsDirectory;
    this.#exit = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string);
  }

  /** Starts the daemon and waits until it is ready. Throws with its last output when it ends before. */
  static async start(options: DaemonProcessOptions = {}): Promise<DaemonProcess> {
    const port = options.port ?? (await freePort());
    const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'graspd-test-')));
    const host = options.host ?? '127.0.0.1';
    const flags = ['--bind-address', `${host}:${port}`, ...(options.flags ?? [])];
    const { openFilesMax, umask, nameServer, program = built } = options;
    const before = [
      ...(nameServer === undefined
        ? []
        : [`mount --bind ${await resolverFile(directory, nameServer)} /etc/resolv.conf`]),
      ...(openFilesMax === undefined ? [] : [`ulimit -n ${openFilesMax}`]),
      ...(umask === undefined ? [] : [`umask ${umask}`]),
    ];
    const [command = '', ...args] = [
      ...(nameServer === undefined ? [] : ['unshare', '--mount']),
      // The shell becomes the daemon.
      ...(before.length === 0 ? [] : ['/bin/sh', '-c', [...before, 'exec "$@"'].join(' && '), 'sh']),
      process.execPath,
      program,
      ...flags,
    ];
    const child = spawn(command, args, {
      cwd: directory,
      env: {
        PATH: process.env.PATH,
        HOME: directory,
        NGIT_TEST: '1',
        ...(options.limits === undefined ? {} : { NODE_OPTIONS: limitsHook(options.limits) }),
        ...options.environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(child);
    const { killedAfterMs } = options;
    const killing =
      killedAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killedAfterMs);
    child.once('exit', () => {
      running.delete(child);
      clearTimeout(killing);
    });
    const daemon = new DaemonProcess(child, host, port, directory, options.directory === undefined);
    await daemon.#waitUntilReady();
    return daemon;
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** The exit code, or the name of the signal that ended it. */
  get exited(): Promise<number | string> {
    return this.#exit;
  }

  /** Whether it has said that it writes: at its start or, where it followed another, when it took over. */
  get writes(): boolean {
    return this.#writes;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** The lines of its log since the last call; `log` has them no more. */
  takeLog(): LogLine[] {
    return this.log.splice(0);
  }

  /** The text of an HTTP path of the daemon. */
  async get(path: string): Promise<string> {
    const response = await fetch(`${this.url.replace('ws:', 'http:')}${path}`);
    return await response.text();
  }

  /** The value of a metric with exactly these labels; 0 where there is no such series. */
  async metric(series: string): Promise<number> {
    const line = (await this.get('/metrics')).split('\n').find((text) => text.startsWith(`${series} `));
    return line === undefined ? 0 : Number(line.slice(series.length + 1));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.kill('SIGTERM');
    const patience = setTimeout(() => this.kill('SIGKILL'), 10_000);
    await this.#exit;
    clearTimeout(patience);
    if (this.#ownsDirectory) await rm(this.directory, { recursive: true, force: true });
  }

  async #waitUntilReady(): Promise<void> {
    const ready = new Promise<void>((resolve) => {
      for (const stream of [this.#child.stdout, this.#child.stderr]) {
        if (stream === null) continue;
        createInterface({ input: stream }).on('line', (text) => {
          this.output.push(text);
          const line = parseLine(text);
          if (line === undefined) return;
          this.log.push(line);
          this.#writes ||= line.msg === writingMessage;
          if (servingMessages.has(line.msg)) resolve();
        });
      }
    });
    const ended = this.#exit.then((code) => {
      throw new Error(
        `the daemon ended with ${code} before it was ready:\n${this.output.slice(-50).join('\n')}`,
      );
    });
    // After it was ready, its end is the business of the test.
    ended.catch(() => {});
    await Promise.race([ready, ended]);
  }
}

/** Has the program change its limits before it does anything else. */
function limitsHook(values: DaemonProcessOptions['limits']): string {
  const script = `
    import { limits } from ${JSON.stringify(builtLimits)};
    Object.assign(limits, ${JSON.stringify(values)});`;
  return `--import=data:text/javascript,${encodeURIComponent(script)}`;
}

async function resolverFile(directory: string, nameServer: string): Promise<string> {
  const path = join(directory, 'resolv.conf');
  await writeFile(path, `nameserver ${nameServer}\n`);
  return path;
}

/** Why no daemon can be given a DNS server of its own on this machine; `undefined` when it can. */
export function nameServerObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'who runs it is not root';
  const { status } = spawnSync('unshare', ['--mount', 'test', '-f', '/etc/resolv.conf']);
  return status === 0 ? undefined : 'no mount namespace can be made';
}

function parseLine(text: string): LogLine | undefined {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return undefined;
  }
}
