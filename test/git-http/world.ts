import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { type Logger, pino } from 'pino';
import { Registry } from 'prom-client';
import { BareRepositories, type PrsRepository } from '../../src/git/bare-repositories.js';
import { GitRunner } from '../../src/git/git-runner.js';
import { type GitStreamCommand, type GitStreams, HelperGitStreams } from '../../src/git/git-streams.js';
import { GitHelper } from '../../src/git/processes/helper-process.js';
import { createGitHttp, type GitHttpSettings } from '../../src/git-http/git-http.js';
import type { Receive } from '../../src/git-http/receive-pack.js';
import { relayRoute } from '../../src/http/built-in-routes.js';
import { createHttpService } from '../../src/http/http-service.js';
import { relayInformation } from '../../src/http/relay-information.js';
import { type Clock, systemClock } from '../../src/lib/clock.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { npubOf } from '../../src/nostr/keys.js';
import { RepositoryDirectory, type RepositoryId } from '../../src/repositories/repository-directory.js';
import { createMemoryStore } from '../../src/store/memory-store.js';
import { git, scratchFolder, writeCommit } from '../git/scratch.js';
import { freeAccounts } from '../support/accounts.js';
import { silentFaults } from '../support/faults.js';

const information = relayInformation({
  name: 'relay',
  description: 'a relay',
  pubkey: 'a'.repeat(64),
  supportedNips: [1],
  software: 'graspd',
  version: '1.2.3',
  icon: 'https://example.com/icon.png',
  limitation: {},
  supportedGrasps: ['GRASP-01'],
  repoAcceptanceCriteria: 'any',
  curation: undefined,
});

export const owner = '5a'.repeat(32);
export const npub = npubOf(owner);

/** Streams that count what is started. */
class CountedStreams implements GitStreams {
  readonly started: GitStreamCommand[] = [];
  /** Processes that run. */
  running = 0;
  readonly #streams: GitStreams;

  constructor(streams: GitStreams) {
    this.#streams = streams;
  }

  async start(command: GitStreamCommand, signal: AbortSignal) {
    this.started.push(command);
    const stream = await this.#streams.start(command, signal);
    this.running += 1;
    void stream.ended.then(() => {
      this.running -= 1;
    });
    return stream;
  }
}

export type WorldOptions = {
  readonly settings?: Partial<GitHttpSettings>;
  readonly receive?: Receive<RepositoryId>;
  /** Takes pushes to repositories of pull requests (GRASP-06). */
  readonly prsReceive?: Receive<PrsRepository>;
  readonly clock?: Clock;
  readonly logger?: Logger;
};

/** Git over HTTP on a free port of loopback, upon repositories in a folder of its own. */
export async function gitHttpWorld({
  settings,
  receive,
  prsReceive,
  clock = systemClock,
  logger = pino({ level: 'silent' }),
}: WorldOptions = {}) {
  const folder = scratchFolder();
  const stop = new AbortController();
  const helper = new GitHelper(stop.signal);
  const runner = new GitRunner(systemClock, stop.signal, helper);
  const repositories = new BareRepositories(folder.path, runner);
  await repositories.open();
  const streams = new CountedStreams(new HelperGitStreams(helper, systemClock));
  const served = new Set<string>();
  const held = new Map<string, NostrEvent>();
  const lapsed = new Set<string>();
  const { store } = createMemoryStore({ clock: systemClock, refusedExpiryMs: 1_000 });
  const directory = new RepositoryDirectory({
    serves: () => true,
    awaitsGitData: () => true,
    isOwnService: () => true,
  });
  const registry = new Registry();
  const faults = silentFaults();
  const gitHttp = createGitHttp({
    directory: {
      isServed: ({ identifier }) => served.has(identifier),
      repositoryAt: (address) => directory.repositoryAt(address),
      maintainersOf: (repository) => directory.maintainersOf(repository),
      stateOf: (repository) => directory.stateOf(repository),
    },
    pages: {
      store,
      heldAnnouncement: ({ identifier }) => held.get(identifier),
      publicAddress: {
        webUrl: 'https://git.example.org',
        relayUrl: 'wss://git.example.org',
        domain: 'git.example.org',
      },
    },
    hasLapsed: ({ identifier }) => lapsed.has(identifier),
    repositories,
    streams,
    receive,
    prsReceive,
    registry,
    clock,
    logger,
    settings: {
      uploadsMax: 4,
      receivesMax: 2,
      waitingMax: 4,
      msMax: 60_000,
      pushBytesMax: 1_000_000,
      ...settings,
    },
  });
  const service = createHttpService({
    root: relayRoute(() => information, 'wss://git.example.org'),
    metrics: registry,
    readiness: () => ({ ready: true, reasons: [] }),
    onUpgrade: () => ({ status: 503, reason: 'full' }),
    routes: gitHttp.routes,
    trustedProxies: [],
    connectionsMax: undefined,
    accounts: freeAccounts(),
    clock,
    logger,
    faults,
  });
  const { port } = await service.listen({ host: '127.0.0.1', port: 0 });
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    gitHttp,
    helper,
    runner,
    streams,
    repositories,
    registry,
    faults,
    served,
    held,
    lapsed,
    /** Stores events, as admission does. */
    store(...events: readonly NostrEvent[]): void {
      for (const event of events) {
        store.put(event);
        directory.onStored(event);
      }
    },
    /** Makes a repository and has it served; gives its folder. */
    async make(identifier: string): Promise<string> {
      const repository: RepositoryId = { pubkey: owner, identifier };
      await repositories.ensure(repository);
      served.add(identifier);
      return repositories.pathOf(repository);
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await service.close();
      stop.abort();
      folder[Symbol.dispose]();
    },
  };
}

/** Gives `main` one commit more. */
export function commitTo(gitDir: string, message: string): string {
  const commit = writeCommit(gitDir, message);
  git(gitDir, ['update-ref', 'refs/heads/main', commit]);
  return commit;
}

/** Gives `main` so many commits, and another branch one that stands alone and is older than all of them. */
export function commitHistory(gitDir: string, commits: number): { newest: string; alone: string } {
  const line = (ref: string, seconds: number) =>
    `commit ${ref}\ncommitter a <a@example.com> ${seconds} +0000\ndata 1\nx\n`;
  const history = Array.from({ length: commits }, (_, at) => line('refs/heads/main', 1_600_000_000 + at));
  git(gitDir, ['fast-import', '--quiet'], [...history, line('refs/heads/alone', 1_000)].join(''));
  const [newest = '', alone = ''] = git(gitDir, ['rev-parse', 'main', 'alone']).split('\n');
  return { newest, alone };
}

export type Answer = {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
};

/** One request, its path sent as it is. */
export async function ask(
  port: number,
  method: string,
  path: string,
  headers: OutgoingHttpHeaders = {},
  body: string | Uint8Array = '',
): Promise<Answer> {
  const request = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const { statusCode = 0, rawHeaders } = response;
  return { status: statusCode, headers: response.headers, rawHeaders, body: Buffer.concat(chunks) };
}

/** A connection on which a test sends what it likes. */
export async function openSocket(port: number, bytes: string | Uint8Array): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(bytes);
  return socket;
}
