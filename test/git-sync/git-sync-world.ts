import { Registry } from 'prom-client';
import { limits } from '../../src/config/limits.js';
import { GitDataSync } from '../../src/git-sync/git-data-sync.js';
import { GitHosts } from '../../src/git-sync/git-hosts.js';
import { GitSyncMetrics } from '../../src/git-sync/git-sync-metrics.js';
import type { MissingObject } from '../../src/git-sync/missing-objects.js';
import type { FetchFailure, FetchOutcome, FetchRequest } from '../../src/git-sync/remote.js';
import { secondMs } from '../../src/lib/clock.js';
import { seededRandom } from '../../src/lib/random.js';
import { relayHost } from '../../src/nostr/relay-url.js';
import type { RepositoryId } from '../../src/repositories/repository-directory.js';
import { VirtualClock } from '../support/virtual-clock.js';

/** What a server of the world does when it is asked: `drips`: sends so little that nobody would wait for it. */
export type Answer = FetchFailure | 'hangs' | 'drips' | readonly string[];

export function repositoryOf(index: number): RepositoryId {
  return { pubkey: 'f'.repeat(64), identifier: `r${index}` };
}

/** Servers that have objects by name, and the repositories of ours that lack some. */
export class World {
  readonly clock = new VirtualClock();
  readonly registry = new Registry();
  readonly servers: Map<string, (request: FetchRequest) => Answer>;
  readonly asked: FetchRequest[] = [];
  /** When each was asked. */
  readonly times: number[] = [];
  readonly sync: GitDataSync;
  /** Those of the servers that pull requests name. */
  proposers: readonly string[] = [];
  refusal: string | undefined;
  /** Objects that other repositories here have. */
  nearby: readonly string[] = [];
  throwsOnce = false;
  isGone = false;
  isServed = true;
  retryAfterMs = 300 * secondMs;
  isFailingRelay = false;
  /** How long each answer takes. */
  answerMs = 0;
  readonly #missing = new Map<string, Set<string>>();
  readonly #stop = new AbortController();
  #release: (() => void)[] = [];

  /** Until when other repositories are copied from. */
  copying: (identifier: string) => Promise<void> = async () => {};

  constructor(servers: Record<string, (request: FetchRequest) => Answer>, fetchesPerMinuteMax = 30) {
    this.servers = new Map(Object.entries(servers));
    const { clock } = this;
    this.sync = new GitDataSync(
      {
        remote: { fetch: (request, signal) => this.#fetch(request, signal) },
        hosts: new GitHosts(clock, { fetchesPerMinuteMax, isFailingRelay: () => this.isFailingRelay }),
        missing: async (which) => this.#missingOf(which),
        copyFromOthers: async ({ identifier }) => {
          await this.copying(identifier);
          const lacking = this.#missing.get(identifier);
          return this.nearby.filter((objectId) => lacking?.delete(objectId)).length > 0;
        },
        servers: async ({ identifier }) => {
          const serverAt = (host: string) => ({
            url: `https://${host}/${identifier}.git`,
            host,
            objectIds: undefined,
          });
          const [own, announced] = [this.proposers, [...this.servers.keys()]];
          const ofStates = announced.filter((host) => !own.includes(host)).map(serverAt);
          return { ofStates, ofProposals: [...own.map(serverAt), ...ofStates] };
        },
        arrive: async (which, { objectIds }) => {
          if (this.isGone) return false;
          for (const id of objectIds) this.#missing.get(which.identifier)?.delete(id);
          return true;
        },
        refusal: () => this.refusal,
        fetchesMax: 8,
        clock,
        random: seededRandom(1),
        metrics: new GitSyncMetrics(this.registry, clock),
        log: { debug() {}, info() {}, warn() {} },
      },
      this.#stop.signal,
    );
  }

  lacks({ identifier }: RepositoryId, objectIds: readonly string[]): void {
    this.#missing.set(identifier, new Set(objectIds));
  }

  /** Lets those answer that hang. */
  release(): void {
    for (const release of this.#release) release();
    this.#release = [];
  }

  async end(): Promise<void> {
    this.#stop.abort(new Error('the end'));
    await this.sync.ended();
  }

  #missingOf({ identifier }: RepositoryId): MissingObject[] | undefined {
    if (this.throwsOnce) {
      this.throwsOnce = false;
      throw new Error('git could not be run');
    }
    if (!this.isServed) return undefined;
    return [...(this.#missing.get(identifier) ?? [])].map((objectId) => ({
      objectId,
      pullRequestIds: objectId.startsWith('proposed') ? [`of ${objectId}`] : [],
      clones: [],
    }));
  }

  async #fetch(request: FetchRequest, signal: AbortSignal): Promise<FetchOutcome> {
    this.asked.push(request);
    this.times.push(this.clock.monotonic());
    const answer = () => this.servers.get(relayHost(request.url))?.(request) ?? 'absent';
    if (answer() === 'hangs') {
      await new Promise<void>((resolve, reject) => {
        this.#release.push(resolve);
        signal.addEventListener('abort', () => reject(signal.reason));
        request.ending.addEventListener('abort', () => resolve());
      });
      if (request.ending.aborted) return { type: 'failed', failure: 'slow', message: 'slow', bytes: 10 };
    }
    if (answer() === 'drips') {
      do await this.clock.sleep(limits.gitFetchSpanMs, signal);
      while (!request.isAwaited());
      return { type: 'failed', failure: 'slow', message: 'slow', bytes: 10 };
    }
    if (this.answerMs > 0) await this.clock.sleep(this.answerMs, signal);
    const given = answer();
    if (typeof given === 'string') {
      const failure = given as FetchFailure;
      const retryAfterMs = failure === 'limited' ? this.retryAfterMs : undefined;
      return { type: 'failed', failure, message: failure, bytes: 10, retryAfterMs };
    }
    const wanted = new Set(request.objectIds);
    const objectIds = given.filter((id) => wanted.has(id));
    return {
      type: 'fetched',
      bytes: 100,
      fetched: { objectIds, moveIn: async () => {}, [Symbol.asyncDispose]: async () => {} },
    };
  }
}
