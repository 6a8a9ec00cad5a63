import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { EventFile } from '../../../bench/system/event-file.js';
import { importEvents } from '../../../bench/system/relay-process.js';
import { defaultTraffic, trafficFile } from '../../../bench/system/traffic.js';
import { ReleaseStack } from '../../../src/lib/release-stack.js';
import { eventJson } from '../../../src/nostr/event.js';
import { freePort } from '../../support/free-port.js';
import { HostingDaemon } from '../../support/hosting-daemon.js';
import { Inspector } from '../../support/inspector.js';
import type { Target } from './fleet.js';
import { HostedRepositories } from './hosted-repositories.js';

export type WorldSettings = {
  readonly folder: string;
  readonly seed: number;
  /** Events that another relay has: the first of them announce repositories, which are archived. None of all that when 0. */
  readonly trafficEvents: number;
  /** Repositories that are hosted here, with git data. */
  readonly hosted: number;
};

/** Repositories that clients are told of, at most. */
const addressesMax = 500;
const authorsMax = 2_000;

/**
 * A daemon that hosts repositories and archives others, as one behind a reverse proxy on this machine; with what clients
 * have to know of it, and a look into its process.
 */
export class LoadWorld implements AsyncDisposable {
  readonly hosting: HostingDaemon;
  readonly inspector: Inspector;
  readonly repositories: HostedRepositories;
  readonly target: Target;
  readonly traffic: EventFile | undefined;
  readonly #config: string;
  readonly #stack: ReleaseStack;

  private constructor(
    parts: Omit<LoadWorld, 'bootstrap' | typeof Symbol.asyncDispose>,
    config: string,
    stack: ReleaseStack,
  ) {
    this.hosting = parts.hosting;
    this.inspector = parts.inspector;
    this.repositories = parts.repositories;
    this.target = parts.target;
    this.traffic = parts.traffic;
    this.#config = config;
    this.#stack = stack;
  }

  static async create({ folder, seed, trafficEvents, hosted }: WorldSettings): Promise<LoadWorld> {
    const stack = new ReleaseStack();
    try {
      const traffic = trafficEvents === 0 ? undefined : await trafficOf(trafficEvents);
      const { announcements, addresses, authors } = await announced(traffic);
      const data = join(folder, 'daemon');
      await mkdir(data);
      const input = Readable.from([announcements.map((line) => `${line}\n`).join('')], { objectMode: false });
      if (traffic !== undefined) await importEvents(input, { folder: data, signatures: 'system' });
      const config = join(data, 'graspd.json');
      await writeFile(config, '{}');
      const inspectPort = await freePort();
      const hosting = stack.use(
        await HostingDaemon.start({
          directory: data,
          flags: [
            ...flags,
            '--relay-data-path',
            join(data, 'relay'),
            '--git-data-path',
            join(data, 'git'),
            '--config',
            config,
          ],
          environment: { NODE_OPTIONS: `--inspect-port=127.0.0.1:${inspectPort}` },
        }),
      );
      const inspector = stack.use(await Inspector.attach(hosting.daemon.pid, inspectPort));
      const repositories = stack.use(await HostedRepositories.make(hosting, hosted));
      const target = {
        url: hosting.daemon.url,
        seed,
        authors: [...authors, ...repositories.owners],
        addresses: [...repositories.addresses, ...addresses],
      };
      return new LoadWorld({ hosting, inspector, repositories, target, traffic }, config, stack);
    } catch (error) {
      await stack[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Has the daemon follow another relay from now on. */
  async bootstrap(url: string): Promise<void> {
    await writeFile(this.#config, JSON.stringify({ 'sync-bootstrap-relay-url': [url] }));
    this.hosting.daemon.kill('SIGHUP');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }
}

const flags: readonly string[] = [
  '--archive-all=true',
  '--archive-read-only=false',
  '--trusted-proxy=127.0.0.1/32',
  '--sync-startup-delay-secs=0',
  '--sync-startup-jitter-ms=0',
];

async function trafficOf(events: number): Promise<EventFile> {
  return new EventFile(await trafficFile({ ...defaultTraffic, events }), events);
}

/** The announcements with which the traffic begins, what they announce, and of whom it is. */
async function announced(traffic: EventFile | undefined) {
  const announcements: string[] = [];
  const addresses: string[] = [];
  const authors = new Set<string>();
  for await (const event of traffic?.head() ?? []) {
    authors.add(event.pubkey);
    if (event.kind === 30617) {
      announcements.push(eventJson(event));
      addresses.push(`30617:${event.pubkey}:${event.tags.find(([name]) => name === 'd')?.[1]}`);
    }
    if (authors.size >= authorsMax || addresses.length >= addressesMax) break;
  }
  return { announcements, addresses, authors: [...authors] };
}
