import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DaemonProcess, type DaemonProcessOptions } from './daemon-process.js';
import { freePort } from './free-port.js';
import type { PostgresServer } from './postgres-server.js';
import { runCommand } from './run-command.js';
import { TestClient } from './test-client.js';

/** A graspd among several, by where it is and, while it runs, its process. */
export type Node = {
  readonly name: string;
  readonly port: number;
  readonly url: string;
  daemon?: DaemonProcess;
};

export type ClusterOptions = Pick<DaemonProcessOptions, 'flags' | 'environment' | 'limits'> & {
  readonly server: PostgresServer;
  /** The database that all have; made where it is not there. */
  readonly database: string;
  readonly count: number;
  /** The working directory of all, with the repositories; made where it is not there. */
  readonly directory: string;
  /** By which name clients know the service; that of the first, when absent. */
  readonly domain?: string;
  /** Is told of one that ended by itself, with its exit code or the signal that ended it. */
  readonly onEnd?: (node: Node, code: number | string) => void;
};

/** Several graspd on one PostgreSQL, of which each can be stopped, killed and started again. */
export class Cluster implements AsyncDisposable {
  readonly nodes: readonly Node[];
  readonly server: PostgresServer;
  readonly #options: ClusterOptions;

  private constructor(options: ClusterOptions, ports: readonly number[]) {
    this.#options = options;
    this.server = options.server;
    this.nodes = ports.map((port, at) => ({ name: `node-${at}`, port, url: `ws://127.0.0.1:${port}` }));
  }

  /** Starts all of them; the first one writes. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const { server, database, count, directory } = options;
    await mkdir(directory, { recursive: true });
    const url = await server.ensureDatabase(database);
    const made = await runCommand(
      { directory },
      'migrate',
      '--database-backend=postgresql',
      '--database-url',
      url,
    );
    if (made.code !== 0) throw new Error(`graspd migrate ended with ${made.code}: ${made.stderr}`);
    const ports: number[] = [];
    while (ports.length < count) ports.push(await freePort());
    const cluster = new Cluster(options, ports);
    try {
      // Whoever had it here before is gone.
      await cluster.endLease();
      const [first, ...others] = cluster.nodes;
      if (first !== undefined) await cluster.startNode(first);
      await Promise.all(others.map((node) => cluster.startNode(node)));
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts one; resolves when it serves. */
  async startNode(node: Node): Promise<void> {
    const { name, port } = node;
    const { server, database, directory, flags = [], environment, limits, domain } = this.#options;
    const daemon = await DaemonProcess.start({
      flags,
      directory,
      port,
      ...(limits === undefined ? {} : { limits }),
      environment: {
        NGIT_DATABASE_BACKEND: 'postgresql',
        NGIT_DATABASE_URL: server.urlOf(database),
        NGIT_DOMAIN: domain ?? `127.0.0.1:${this.nodes[0]?.port}`,
        NGIT_NODE_URL: `http://127.0.0.1:${port}`,
        NGIT_TRUSTED_PROXY_CIDRS: '127.0.0.1',
        NGIT_RELAY_DATA_PATH: join(directory, 'data', name),
        ...environment,
      },
    });
    node.daemon = daemon;
    void daemon.exited.then((code) => {
      if (node.daemon !== daemon) return;
      delete node.daemon;
      this.#options.onEnd?.(node, code);
    });
  }

  /** Stops one in good order; answers its exit code. */
  async stop(node: Node): Promise<number | string | undefined> {
    return await this.#end(node, 'SIGTERM');
  }

  async kill(node: Node): Promise<void> {
    await this.#end(node, 'SIGKILL');
  }

  /** The one that writes, as far as its log says so. */
  get writer(): Node | undefined {
    return this.nodes.find(({ daemon }) => daemon?.writes);
  }

  /** Has the lease of a holder that is gone run out at once, for which others would wait 20 s. */
  async endLease(): Promise<void> {
    await this.server.query('UPDATE graspd_leases SET ends_at = now()', this.#options.database);
  }

  /** Whether all run, one of them writes, and the others have all that it wrote and nothing under way. */
  async isAtRest(): Promise<boolean> {
    const { writer } = this;
    const followers = this.nodes.filter((node) => node !== writer);
    const states = followers.map(async ({ daemon }) => {
      const metric = async (name: string) => await daemon?.metric(name);
      return (
        (await metric('ngit_follower_connected')) === 1 &&
        (await metric('ngit_follower_lag_events')) === 0 &&
        (await metric('ngit_follower_waiting_events')) === 0
      );
    });
    const counts = this.nodes.map(async ({ url }) => {
      await using client = await TestClient.connect(url);
      return await client.count({});
    });
    // Any of them may be gone, or be so in a moment.
    const [isSettled, isSame] = await Promise.all([
      Promise.all(states).then(
        (all) => all.every((state) => state),
        () => false,
      ),
      Promise.all(counts).then(
        (all) => new Set(all).size === 1,
        () => false,
      ),
    ]);
    return writer !== undefined && isSettled && isSame;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const running = this.nodes.map((node) => {
      const { daemon } = node;
      delete node.daemon;
      return daemon;
    });
    await Promise.all(running.map((daemon) => daemon?.[Symbol.asyncDispose]()));
  }

  async #end(node: Node, signal: NodeJS.Signals): Promise<number | string | undefined> {
    const { daemon } = node;
    if (daemon === undefined) return undefined;
    delete node.daemon;
    daemon.kill(signal);
    return await daemon.exited;
  }
}
