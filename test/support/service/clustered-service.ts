import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReleaseStack } from '../../../src/lib/release-stack.js';
import { Cluster } from '../cluster.js';
import type { DaemonProcess, LogLine } from '../daemon-process.js';
import type { PostgresServer } from '../postgres-server.js';
import { ConnectionSpreader } from './connection-spreader.js';
import type { Service, ServiceOptions } from './service.js';

/** Several graspd on one PostgreSQL as one service: each connection to its port goes to another of them in turn. */
export class ClusteredService implements Service {
  readonly port: number;
  readonly url: string;
  readonly directory: string;
  /** When all of them have, and the port is free: what the first one ended with that did not end as it should, or 0. */
  readonly exited: Promise<number | string>;
  readonly #cluster: Cluster;
  readonly #stack: ReleaseStack;

  private constructor(
    directory: string,
    cluster: Cluster,
    spreader: ConnectionSpreader,
    stack: ReleaseStack,
  ) {
    this.port = spreader.port;
    this.url = `ws://127.0.0.1:${spreader.port}`;
    this.directory = directory;
    this.#cluster = cluster;
    this.#stack = stack;
    this.exited = Promise.all(this.#daemons.map(({ exited }) => exited)).then(async (codes) => {
      await spreader[Symbol.asyncDispose]();
      return codes.find((code) => code !== 0) ?? 0;
    });
  }

  /** Starts `count` of them upon a database that belongs to the directory. */
  static async start(
    server: PostgresServer,
    count: number,
    { port: wantedPort = 0, directory: wantedDirectory, ...options }: ServiceOptions,
  ): Promise<ClusteredService> {
    const stack = new ReleaseStack();
    try {
      const directory = wantedDirectory ?? (await mkdtemp(join(tmpdir(), 'graspd-test-')));
      if (wantedDirectory === undefined) stack.defer(() => rm(directory, { recursive: true, force: true }));
      const database = `service_${createHash('sha256').update(directory).digest('hex').slice(0, 16)}`;
      const spreader = stack.use(await ConnectionSpreader.listen(wantedPort));
      const domain = `127.0.0.1:${spreader.port}`;
      const cluster = stack.use(
        await Cluster.start({ ...options, server, database, count, directory, domain }),
      );
      spreader.spreadOver(cluster.nodes.map(({ port }) => port));
      return new ClusteredService(directory, cluster, spreader, stack);
    } catch (error) {
      await stack[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** That of all of them. */
  get log(): LogLine[] {
    return this.#daemons.flatMap(({ log }) => log);
  }

  takeLog(): LogLine[] {
    return this.#daemons.flatMap((daemon) => daemon.takeLog());
  }

  kill(signal: NodeJS.Signals): void {
    for (const daemon of this.#daemons) daemon.kill(signal);
  }

  async get(path: string): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`);
    return await response.text();
  }

  /** That of the one that writes, where all is counted but what clients of the relay ask. */
  async metric(series: string): Promise<number> {
    const writer = this.#cluster.writer?.daemon;
    if (writer === undefined) throw new Error('none of them writes');
    return await writer.metric(series);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }

  get #daemons(): DaemonProcess[] {
    return this.#cluster.nodes.flatMap(({ daemon }) => daemon ?? []);
  }
}
