import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { readMainThread, readUsage, type ThreadTimes, type Usage } from './process-usage.js';

const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** Which libsecp256k1 the relays use. */
export type SignatureLibrary = 'system' | 'wasm';

/** When a write counts as done (`--durability`). */
export type Durability = 'sync' | 'system';

export type RelayOptions = {
  readonly name: string;
  /** Holds all its data; shared by those that run on it one after the other. */
  readonly folder: string;
  readonly signatures: SignatureLibrary;
  /** A free one where none is given. */
  readonly port?: number;
  /** A relay to catch up with. */
  readonly bootstrapUrl?: string;
  /** How long after its start it dials, in seconds. */
  readonly dialDelaySecs?: number;
  /** As the environment says by default. */
  readonly durability?: Durability;
  /** Flags in the place of those that all relays of the bench have, or beside them. */
  readonly flags?: Readonly<Record<string, string>>;
};

/** A line of the relay's log, as far as it is read here. */
export type LogLine = { readonly atMs: number; readonly msg: string; readonly [key: string]: unknown };

/** Most that a relay at rest uses of one core, and how often that is looked at. */
const restShareMax = 0.2;
const restLookMs = 1_000;

/** Longest time that a relay may take to listen. */
const startMsMax = 120_000;

/** A relay as an operator runs it: a process of its own with a real port, on loopback. */
export class RelayProcess implements AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly name: string;
  readonly startedAtMs = Date.now();
  readonly lines: LogLine[] = [];
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #onLine: () => void = () => {};

  private constructor(name: string, port: number, child: ChildProcess) {
    this.name = name;
    this.port = port;
    this.url = `ws://127.0.0.1:${port}`;
    this.#child = child;
    this.#exited = once(child, 'exit');
    // Not even a bench that breaks leaves a process behind.
    const onExit = () => child.kill('SIGKILL');
    process.once('exit', onExit);
    child.once('exit', () => process.off('exit', onExit));
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream as Readable }).on('line', (line) => this.#read(line));
  }

  /** Starts a relay; resolves when it is ready (`/readyz`). */
  static async start(options: RelayOptions): Promise<RelayProcess> {
    const port = options.port ?? (await freePort());
    await mkdir(options.folder, { recursive: true });
    const child = spawn(
      process.execPath,
      [...profiling(options), program, 'serve', ...relayFlags(options, port)],
      {
        cwd: options.folder,
        env: { ...process.env, NGIT_TEST: '1' },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    const relay = new RelayProcess(options.name, port, child);
    try {
      await relay.#ready();
    } catch (error) {
      await relay.kill();
      throw error;
    }
    return relay;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  usage(): Usage | undefined {
    return readUsage(this.name, this.pid);
  }

  mainThread(): ThreadTimes | undefined {
    return readMainThread(this.pid);
  }

  /** Waits until it has taken in what it reads after it is ready; resolves to what it has used by then. */
  async atRest(): Promise<Usage | undefined> {
    for (let before = this.usage(); ; ) {
      await new Promise((resolve) => setTimeout(resolve, restLookMs));
      const usage = this.usage();
      if (before === undefined || usage === undefined) return usage;
      const share = ((usage.cpuSeconds - before.cpuSeconds) * 1_000) / restLookMs;
      if (share <= restShareMax) return usage;
      before = usage;
    }
  }

  /** The first line with that message at or after `fromMs` of wall-clock time, as soon as it is there. */
  async line(msg: string, fromMs = 0): Promise<LogLine> {
    for (;;) {
      const found = this.lines.find((line) => line.msg === msg && line.atMs >= fromMs);
      if (found !== undefined) return found;
      if (this.#child.exitCode !== null) throw new Error(`${this.name} ended; ${this.#lastWords()}`);
      await new Promise<void>((resolve) => {
        this.#onLine = resolve;
      });
    }
  }

  /** Reads `/metrics`; the result gives the value of one without labels. */
  async metrics(): Promise<(name: string) => number> {
    const text = await (await fetch(`http://127.0.0.1:${this.port}/metrics`)).text();
    return (name) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
  }

  /** Ends it at once, as a power cut would. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  /** Asks it to end and waits until it did. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGTERM');
    await this.#exited;
  }

  async #ready(): Promise<void> {
    const giveUpAt = Date.now() + startMsMax;
    while (Date.now() < giveUpAt) {
      if (this.#child.exitCode !== null) throw new Error(`${this.name} did not start: ${this.#lastWords()}`);
      const response = await fetch(`http://127.0.0.1:${this.port}/readyz`).catch(() => undefined);
      await response?.arrayBuffer();
      if (response?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`${this.name} was not ready in ${startMsMax} ms: ${this.#lastWords()}`);
  }

  #read(text: string): void {
    const line = parseLine(text);
    this.lines.push(line);
    this.#onLine();
  }

  #lastWords(): string {
    return this.lines
      .slice(-3)
      .map(({ msg }) => msg)
      .join('; ');
  }
}

/** Runs `graspd import` on a stream of JSONL; resolves to what the process used, when it ended well. */
export async function importEvents(
  input: Readable,
  options: Pick<RelayOptions, 'folder' | 'signatures' | 'flags'>,
): Promise<{ readonly usage: Usage | undefined; readonly report: string }> {
  await mkdir(options.folder, { recursive: true });
  const settings = { ...options, name: 'import' };
  const child = spawn(
    process.execPath,
    [...profiling(settings), program, 'import', '-', ...relayFlags(settings, 1)],
    { cwd: options.folder, stdio: ['pipe', 'pipe', 'pipe'] },
  );
  const words: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => words.push(String(chunk)));
  let usage: Usage | undefined;
  const watch = setInterval(() => {
    usage = readUsage('import', child.pid ?? 0) ?? usage;
  }, 100);
  input.pipe(child.stdin);
  const [code] = await once(child, 'exit');
  clearInterval(watch);
  if (code !== 0) throw new Error(`the import ended with code ${code}: ${words.join('')}`);
  return { usage, report: words.join('') };
}

/** A port of loopback that is free by now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function relayFlags(
  {
    folder,
    signatures,
    bootstrapUrl,
    dialDelaySecs = 0,
    durability,
    flags: more,
  }: Omit<RelayOptions, 'name' | 'port'>,
  port: number,
): string[] {
  const flags = {
    'bind-address': `127.0.0.1:${port}`,
    domain: `127.0.0.1:${port}`,
    'relay-data-path': join(folder, 'relay'),
    'git-data-path': join(folder, 'git'),
    'archive-all': 'true',
    'client-events-per-minute': '0',
    'signature-library': signatures,
    'sync-bootstrap-relay-url': bootstrapUrl ?? '',
    'sync-startup-delay-secs': String(dialDelaySecs),
    'sync-startup-jitter-ms': '0',
  };
  const chosen = { ...flags, ...(durability === undefined ? {} : { durability }), ...more };
  return Object.entries(chosen).map(([name, value]) => `--${name}=${value}`);
}

/** With `GRASPD_BENCH_PROFILE=folder` every process leaves a CPU profile there. */
function profiling({ name }: Pick<RelayOptions, 'name'>): string[] {
  const folder = process.env.GRASPD_BENCH_PROFILE;
  if (folder === undefined) return [];
  return ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-name=${name}-${Date.now()}.cpuprofile`];
}

function parseLine(text: string): LogLine {
  try {
    const line = JSON.parse(text);
    return { ...line, atMs: Date.parse(line.time) };
  } catch {
    return { atMs: Date.now(), msg: text };
  }
}
