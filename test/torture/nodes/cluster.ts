import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ReleaseStack } from '../../../src/lib/release-stack.js';
import type { NostrEvent } from '../../../src/nostr/event.js';
import { DaemonProcess } from '../../support/daemon-process.js';
import { freePort } from '../../support/free-port.js';
import { PostgresServer } from '../../support/postgres-server.js';
import { QuickSigner } from '../../support/quick-signing.js';
import { runCommand } from '../../support/run-command.js';
import { TestClient } from '../../support/test-client.js';

const database = 'nodes';

/** A graspd among several, by where it is and, while it runs, its process. */
export type Node = {
  readonly name: string;
  readonly port: number;
  readonly url: string;
  daemon?: DaemonProcess;
};

/** Several graspd on one PostgreSQL, which are killed and started again. */
export class Cluster implements AsyncDisposable {
  readonly nodes: readonly Node[];
  readonly server: PostgresServer;
  readonly #folder: string;
  readonly #flags: readonly string[];
  readonly #stack: ReleaseStack;
  readonly #owner = new QuickSigner(new Uint8Array(32).fill(200));

  private constructor(
    folder: string,
    server: PostgresServer,
    ports: readonly number[],
    flags: readonly string[],
    stack: ReleaseStack,
  ) {
    this.#folder = folder;
    this.server = server;
    this.#flags = flags;
    this.#stack = stack;
    this.nodes = ports.map((port, at) => ({ name: `node-${at}`, port, url: `ws://127.0.0.1:${port}` }));
  }

  /** Starts so many, and announces the repository on which all hangs. */
  static async start(folder: string, count: number): Promise<Cluster> {
    const stack = new ReleaseStack();
    try {
      const server = stack.use(await PostgresServer.start());
      const url = await server.createDatabase(database);
      const flags = ['--database-backend', 'postgresql', '--database-url', url];
      await mkdir(folder, { recursive: true });
      const { code } = await runCommand({ directory: folder }, 'migrate', ...flags);
      if (code !== 0) throw new Error(`graspd migrate ended with ${code}`);
      const ports: number[] = [];
      while (ports.length < count) ports.push(await freePort());
      const cluster = new Cluster(folder, server, ports, flags, stack);
      for (const node of cluster.nodes) await cluster.startNode(node);
      await cluster.#announce();
      return cluster;
    } catch (error) {
      await stack[Symbol.asyncDispose]();
      throw error;
    }
  }

  get repository(): string {
    return `30617:${this.#owner.pubkey}:all`;
  }

  /** Starts one; resolves when it serves. */
  async startNode(node: Node): Promise<void> {
    const { name, port } = node;
    const daemon = await DaemonProcess.start({
      flags: [
        ...this.#flags,
        ...['--domain', `127.0.0.1:${this.nodes[0]?.port}`, '--trusted-proxy', '127.0.0.1'],
        ...['--node-url', `http://127.0.0.1:${port}`, '--archive-all', '--archive-read-only=false'],
        ...['--relay-data-path', join(this.#folder, name), '--git-data-path', join(this.#folder, 'git')],
      ],
      directory: this.#folder,
      port,
    });
    node.daemon = daemon;
  }

  async kill(node: Node): Promise<void> {
    const { daemon } = node;
    if (daemon === undefined) return;
    delete node.daemon;
    daemon.kill('SIGKILL');
    await daemon.exited;
  }

  /** The one that writes, as far as its log says so. */
  get writer(): Node | undefined {
    return this.nodes.find((node) => node.daemon !== undefined && hasTakenOver(node.daemon));
  }

  /** Has the lease of a holder that is gone run out at once, for which others would wait 20 s. */
  async endLease(): Promise<void> {
    await this.server.query('UPDATE graspd_leases SET ends_at = now()', database);
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
    const isSettled = Promise.all(states).then((all) => all.every((state) => state));
    const isSame = Promise.all(counts).then((all) => new Set(all).size === 1);
    return writer !== undefined && (await isSettled.catch(() => false)) && (await isSame.catch(() => false));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { daemon } of this.nodes) await daemon?.[Symbol.asyncDispose]();
    await this.#stack[Symbol.asyncDispose]();
  }

  async #announce(): Promise<void> {
    const event: NostrEvent = this.#owner.sign({
      kind: 30617,
      tags: [
        ['d', 'all'],
        ['clone', 'https://elsewhere.example/all.git'],
        ['relays', 'wss://elsewhere.example'],
      ],
      created_at: Math.floor(Date.now() / 1_000) - 20_000_000,
      content: '',
    });
    await using client = await TestClient.connect(this.nodes.at(-1)?.url ?? '');
    const { accepted, reason } = await client.publish(event);
    if (!accepted) throw new Error(`the announcement was refused: ${reason}`);
  }
}

function hasTakenOver({ log }: DaemonProcess): boolean {
  return log.some(({ msg }) => msg === 'listening');
}
