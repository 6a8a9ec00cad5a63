import { Registry } from 'prom-client';
import { limits } from '../../../src/config/limits.js';
import { GitDataSync } from '../../../src/git-sync/git-data-sync.js';
import { GitHosts } from '../../../src/git-sync/git-hosts.js';
import { GitSyncMetrics } from '../../../src/git-sync/git-sync-metrics.js';
import type { MissingObject } from '../../../src/git-sync/missing-objects.js';
import type { FetchedObjects, FetchOutcome, FetchRequest } from '../../../src/git-sync/remote.js';
import { serversFor } from '../../../src/git-sync/servers.js';
import { hourMs, minuteMs, secondMs } from '../../../src/lib/clock.js';
import { type Random, seededRandom } from '../../../src/lib/random.js';
import { relayHost } from '../../../src/nostr/relay-url.js';
import type { RepositoryId } from '../../../src/repositories/repository-directory.js';
import { between, chance, fork, pick, randomHex, sample } from '../../sim/random.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { drawHostKind, SimGitHost } from './git-host.js';

/** How a seed went: what was found wrong, and some figures. */
export type GitSimOutcome = {
  readonly seed: number;
  readonly failures: readonly string[];
  readonly fetches: number;
  readonly objects: number;
};

/** A repository of the world: who may have its data, and what its events name. */
type SimRepository = {
  readonly id: RepositoryId;
  readonly clone: readonly string[];
  /** What its newest state names. */
  state: readonly string[];
  readonly pullRequests: {
    readonly id: string;
    readonly commit: string;
    readonly clone: readonly string[];
  }[];
  /** What is on our disk. */
  readonly disk: Set<string>;
};

const faultMs = 2 * hourMs;
/** Within that after the faults everything is here. */
const quietMs = hourMs;
const fetchesPerMinuteMax = 30;
const fetchesMax = 8;
const own = 'https://us.example.com/npub/r.git';

/** Runs the world of a seed to its end; the same seed does the same each time. */
export async function simulateGitSync(seed: number): Promise<GitSimOutcome> {
  return await new GitSimulation(seed).run();
}

class GitSimulation {
  readonly #seed: number;
  readonly #random: Random;
  readonly #clock = new VirtualClock();
  readonly #hosts = new Map<string, SimGitHost>();
  readonly #repositories = new Map<string, SimRepository>();
  readonly #failures = new Set<string>();
  #faultsOn = true;
  #fetches = 0;
  #running = 0;
  /** One life of our process. */
  #stop = new AbortController();
  #sync: GitDataSync;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = seededRandom(seed);
    const random = fork(this.#random);
    for (let count = between(random, 2, 8); count > 0; count--) {
      const name = `h${count}.example.com`;
      this.#hosts.set(name, new SimGitHost(name, drawHostKind(random), fork(random)));
    }
    for (let count = between(random, 1, 40); count > 0; count--) this.#addRepository(random, count);
    this.#sync = this.#live();
  }

  async run(): Promise<GitSimOutcome> {
    for (const repository of this.#repositories.values()) this.#scheduleNews(repository);
    for (let lives = between(this.#random, 0, 3); lives > 0; lives--)
      this.#clock.after(between(this.#random, 0, faultMs), () => void this.#restart());
    await this.#clock.advance(faultMs);
    this.#faultsOn = false;
    await this.#clock.advance(quietMs);
    this.#checkComplete();
    this.#stop.abort(new Error('the end'));
    await this.#sync.ended();
    if (this.#clock.timers > 0) this.#report(`${this.#clock.timers} timers are left`);
    let objects = 0;
    for (const { disk } of this.#repositories.values()) objects += disk.size;
    return { seed: this.#seed, failures: [...this.#failures], fetches: this.#fetches, objects };
  }

  #addRepository(random: Random, number: number): void {
    const id = { pubkey: randomHex(random, 64), identifier: `r${number}` };
    const hosts = sample(random, [...this.#hosts.keys()], between(random, 1, 4));
    const clone = hosts.map((host) => `https://${host}/${id.identifier}.git`);
    if (chance(random, 0.5)) clone.push(own);
    if (chance(random, 0.3)) clone.unshift('ssh://git@h1.example.com/r', 'not a URL');
    this.#repositories.set(id.identifier, { id, clone, state: [], pullRequests: [], disk: new Set() });
  }

  #scheduleNews(repository: SimRepository): void {
    const random = fork(this.#random);
    for (let count = between(random, 1, 5); count > 0; count--)
      this.#clock.after(between(random, 0, faultMs), () => this.#news(repository, random));
  }

  /** An event names objects, some of which are at servers, soon, or nowhere, and some of which are pushed to us. */
  #news(repository: SimRepository, random: Random): void {
    const { id, clone } = repository;
    const objectIds = Array.from({ length: between(random, 1, 4) }, () => randomHex(random, 40));
    let servers = clone;
    const isProposal = chance(random, 0.3);
    if (isProposal) {
      const host = pick(random, [...this.#hosts.keys()]);
      servers = [`https://${host}/fork-of-${id.identifier}.git`];
      const [commit = ''] = objectIds;
      repository.pullRequests.push({ id: randomHex(random, 64), commit, clone: servers });
    } else repository.state = objectIds;
    for (const url of servers) {
      const host = this.#hosts.get(relayHost(url));
      if (host === undefined || !url.startsWith('https:')) continue;
      const put = objectIds.filter(() => chance(random, host.kind === 'partial' ? 0.5 : 0.8));
      this.#clock.after(between(random, 0, 30 * secondMs), () => {
        for (const objectId of put) host.put(new URL(url).pathname, objectId);
      });
    }
    if (chance(random, 0.2)) {
      this.#clock.after(between(random, 0, minuteMs), () => {
        for (const objectId of objectIds) repository.disk.add(objectId);
      });
    }
    const isSubmitted = chance(random, 0.3);
    const delayMs = isSubmitted ? limits.gitSubmittedDelayMs : limits.gitSyncedDelayMs;
    this.#sync.mayLack(id, delayMs, !isProposal);
  }

  #live(): GitDataSync {
    const random = fork(this.#random);
    const clock = this.#clock;
    return new GitDataSync(
      {
        remote: { fetch: (request, signal) => this.#fetch(request, signal) },
        hosts: new GitHosts(clock, { fetchesPerMinuteMax, isFailingRelay: () => false }),
        missing: async ({ identifier }) => {
          if (this.#faultsOn && chance(random, 0.01)) throw new Error('git could not be run');
          return this.#missingOf(identifier);
        },
        copyFromOthers: async () => false,
        servers: async ({ identifier }, missing) => {
          const clone = this.#repositories.get(identifier)?.clone ?? [];
          return serversFor([{ clone, relays: [] }], missing, (url) => url.startsWith('https://us.'), random);
        },
        arrive: async ({ identifier }, { moveIn, objectIds }) => {
          if (this.#faultsOn && chance(random, 0.05)) throw new Error('the disk is full');
          await moveIn();
          for (const objectId of objectIds) this.#repositories.get(identifier)?.disk.add(objectId);
          return true;
        },
        refusal: () => undefined,
        fetchesMax,
        clock,
        random,
        metrics: new GitSyncMetrics(new Registry(), clock),
        log: { debug() {}, info() {}, warn() {} },
      },
      this.#stop.signal,
    );
  }

  /** Our process is killed and begins anew, as alignment tells it what lacks. */
  async #restart(): Promise<void> {
    const before = this.#sync;
    this.#stop.abort(new Error('killed'));
    this.#stop = new AbortController();
    for (const host of this.#hosts.values()) {
      // What was learnt of hosts is gone with it.
      host.failures = 0;
      host.retryAt = Number.NEGATIVE_INFINITY;
      host.begun.length = 0;
    }
    this.#sync = this.#live();
    for (const { id } of this.#repositories.values())
      if (this.#missingOf(id.identifier).length > 0) this.#sync.lacks(id);
    await before.ended();
  }

  #missingOf(identifier: string): MissingObject[] {
    const repository = this.#repositories.get(identifier);
    if (repository === undefined) return [];
    const { state, pullRequests, disk } = repository;
    const ofState = state.map((objectId) => ({ objectId, pullRequestIds: [], clones: [] }));
    const proposed = pullRequests.map(({ id, commit, clone }) => {
      return { objectId: commit, pullRequestIds: [id], clones: [clone] };
    });
    return [...proposed, ...ofState].filter(({ objectId }) => !disk.has(objectId));
  }

  async #fetch(request: FetchRequest, signal: AbortSignal): Promise<FetchOutcome> {
    const { url } = request;
    const { objectIds } = request;
    const host = this.#hosts.get(relayHost(url));
    if (host === undefined || !url.startsWith('https:')) {
      this.#report(`${url} is asked`);
      return { type: 'failed', failure: 'dns', message: 'no such host', bytes: 0 };
    }
    this.#checkBegin(host, request);
    host.running += 1;
    this.#running += 1;
    try {
      const beganAt = this.#clock.monotonic();
      const mood = host.mood(this.#faultsOn);
      const waitMs = mood === 'hanging' ? 10 * minuteMs : host.latencyMs(this.#faultsOn);
      await this.#clock.sleep(waitMs, signal);
      return this.#answer(host, new URL(url).pathname, objectIds, mood, beganAt);
    } finally {
      host.running -= 1;
      this.#running -= 1;
    }
  }

  #answer(
    host: SimGitHost,
    path: string,
    wanted: readonly string[],
    mood: ReturnType<SimGitHost['mood']>,
    beganAt: number,
  ): FetchOutcome {
    const failed = (
      failure: 'refused' | 'limited' | 'failed' | 'timeout',
      retryAfterMs = 0,
    ): FetchOutcome => {
      if (beganAt > host.failedAt) host.failures += 1;
      host.failedAt = this.#clock.monotonic();
      host.retryAt = Math.max(host.retryAt, host.failedAt + retryAfterMs);
      return { type: 'failed', failure, message: failure, bytes: 0, retryAfterMs };
    };
    if (mood === 'gone') return failed('refused');
    if (mood === 'broken') return failed('failed');
    if (mood === 'hanging') return failed('timeout');
    if (mood === 'limiting') return failed('limited', 3 * minuteMs);
    host.failures = 0;
    if (mood === 'lying')
      return { type: 'failed', failure: 'invalid', message: 'other objects', bytes: 1_000 };
    const objectIds = wanted.filter((objectId) => host.has(path, objectId));
    if (objectIds.length === 0) return { type: 'failed', failure: 'lacking', message: 'none', bytes: 10 };
    const fetched: FetchedObjects = {
      objectIds,
      moveIn: async () => {},
      [Symbol.asyncDispose]: async () => {},
    };
    return { type: 'fetched', bytes: 100 * objectIds.length, fetched };
  }

  /** No host is asked beyond its budget, before its rest is over, or for what is here. */
  #checkBegin(host: SimGitHost, { repository, objectIds, url }: FetchRequest): void {
    const now = this.#clock.monotonic();
    this.#fetches += 1;
    if (host.running >= limits.gitHostFetchesAtOnceMax)
      this.#report(`${host.name} is asked too often at once`);
    if (this.#running >= fetchesMax) this.#report('too many fetches run');
    const [oldest] = host.begun.slice(-fetchesPerMinuteMax);
    if (host.begun.length >= fetchesPerMinuteMax && oldest !== undefined && now - oldest < minuteMs)
      this.#report(`${host.name} is asked more than ${fetchesPerMinuteMax} times in a minute`);
    host.begun.push(now);
    const restMs = Math.min(limits.gitRetryMsMin * 2 ** (host.failures - 1), limits.gitNewsRetryMsMax);
    if (host.failures > 0 && now < Math.max(host.failedAt + restMs, host.retryAt))
      this.#report(`${host.name} is asked while it rests`);
    const here = this.#repositories.get(repository.identifier)?.disk;
    if (objectIds.length === 0 || objectIds.some((objectId) => here?.has(objectId)))
      this.#report(`${url} is asked for what is here`);
  }

  #checkComplete(): void {
    for (const { id, clone } of this.#repositories.values()) {
      for (const missing of this.#missingOf(id.identifier)) {
        const has = [...clone, ...missing.clones.flat()].find((url) => {
          if (!url.startsWith('https:')) return false;
          const host = this.#hosts.get(relayHost(url));
          return host?.isHonestInTheEnd === true && host.has(new URL(url).pathname, missing.objectId);
        });
        if (has !== undefined)
          this.#report(`${id.identifier} lacks ${missing.objectId.slice(0, 8)}, which ${has} has`);
      }
    }
  }

  #report(what: string): void {
    if (this.#failures.size < 20) this.#failures.add(what);
  }
}
