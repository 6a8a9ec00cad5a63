import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { Client } from 'pg';
import { eventually } from './eventually.js';
import { freePort } from './free-port.js';

const debianFolder = '/usr/lib/postgresql';

/** The folder with the programs of PostgreSQL, the newest where there are several. */
function binaries(): string | undefined {
  const versions = existsSync(debianFolder)
    ? readdirSync(debianFolder).sort((a, b) => Number(b) - Number(a))
    : [];
  const folders = [
    ...versions.map((version) => join(debianFolder, version, 'bin')),
    ...(process.env.PATH ?? '').split(delimiter),
  ];
  return folders.find((folder) => existsSync(join(folder, 'initdb')));
}

/** The user and group to run as: PostgreSQL refuses root. */
function runAs(): { readonly uid?: number; readonly gid?: number } | undefined {
  if (process.getuid?.() !== 0) return {};
  try {
    const idOf = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
    return { uid: idOf('-u'), gid: idOf('-g') };
  } catch {
    return undefined;
  }
}

/** Why PostgreSQL cannot be run here; `undefined` when it can. */
export function postgresObstacle(): string | undefined {
  if (binaries() === undefined) return 'there is no PostgreSQL (initdb) on this machine';
  return runAs() === undefined ? 'PostgreSQL does not run as root, and there is no user postgres' : undefined;
}

/** A real server on a free port of loopback with a folder of its own, both gone at the end. */
export class PostgresServer implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  #child: ChildProcess | undefined;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.port = port;
  }

  static async start(): Promise<PostgresServer> {
    const folder = await mkdtemp(join(tmpdir(), 'graspd-postgres-'));
    await chmod(folder, 0o700);
    const { uid, gid } = runAs() ?? {};
    if (uid !== undefined && gid !== undefined) await chown(folder, uid, gid);
    const server = new PostgresServer(folder, await freePort());
    const data = join(folder, 'data');
    execFileSync(
      join(binaries() ?? '', 'initdb'),
      ['-D', data, '-U', 'graspd', '-A', 'trust', '-E', 'UTF8', '--locale', 'C', '--no-sync'],
      { ...runAs(), cwd: folder, stdio: 'ignore' },
    );
    await server.run();
    return server;
  }

  /** Starts the server again after it was killed. */
  async run(): Promise<void> {
    const settings = {
      port: this.port,
      listen_addresses: '127.0.0.1',
      unix_socket_directories: this.#folder,
      shared_buffers: '16MB',
      max_connections: 200,
    };
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    this.#child = spawn(join(binaries() ?? '', 'postgres'), ['-D', join(this.#folder, 'data'), ...flags], {
      ...runAs(),
      cwd: this.#folder,
      stdio: 'ignore',
    });
    await eventually(() =>
      this.query('SELECT 1', 'postgres').then(
        () => true,
        () => false,
      ),
    );
  }

  /** The URL of a database that is made now. */
  async createDatabase(name: string): Promise<string> {
    await this.query(`CREATE DATABASE ${name}`, 'postgres');
    return this.urlOf(name);
  }

  /** The URL of a database that is made now, or was before. */
  async ensureDatabase(name: string): Promise<string> {
    const found = await this.query(`SELECT 1 FROM pg_database WHERE datname = '${name}'`, 'postgres');
    return found.length > 0 ? this.urlOf(name) : await this.createDatabase(name);
  }

  urlOf(database: string): string {
    return `postgres://graspd@127.0.0.1:${this.port}/${database}`;
  }

  async query(text: string, database: string): Promise<readonly Record<string, unknown>[]> {
    const client = new Client({ connectionString: this.urlOf(database) });
    client.on('error', () => {});
    try {
      await client.connect();
      return (await client.query(text)).rows;
    } finally {
      await client.end().catch(() => {});
    }
  }

  /** Ends the server, by default as a failure would: nothing is written any more, and all connections are cut. */
  async kill(signal: 'SIGKILL' | 'SIGQUIT' | 'SIGINT' = 'SIGQUIT'): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    child.kill(signal);
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
