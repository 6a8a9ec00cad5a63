import { Registry } from 'prom-client';
import { GitDataSync } from '../../../src/git-sync/git-data-sync.js';
import { GitHosts } from '../../../src/git-sync/git-hosts.js';
import { GitSyncMetrics } from '../../../src/git-sync/git-sync-metrics.js';
import type { FetchedObjects, FetchOutcome, FetchRequest } from '../../../src/git-sync/remote.js';
import { serversFor } from '../../../src/git-sync/servers.js';
import type { Clock } from '../../../src/lib/clock.js';
import type { Random } from '../../../src/lib/random.js';
import { chance } from '../../sim/random.js';
import { Audit, fetchesMax, fetchesPerMinuteMax } from './audit.js';
import type { World } from './world.js';

export type LifeParts = {
  readonly world: World;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: (what: string) => void;
};

/** One life of our process, in a world of git servers: it ends as if killed. */
export class Life {
  readonly audit: Audit;
  readonly sync: GitDataSync;
  /** Why nothing is fetched. */
  refusal: string | undefined;
  fetches = 0;
  readonly #parts: LifeParts;
  readonly #hosts: GitHosts;
  readonly #stop = new AbortController();

  constructor(parts: LifeParts) {
    this.#parts = parts;
    const { world, clock, random, report } = parts;
    this.audit = new Audit(clock, report);
    this.#hosts = new GitHosts(clock, {
      fetchesPerMinuteMax,
      isFailingRelay: (host) => world.hosts.get(host)?.isFailingRelay === true,
    });
    const of = (identifier: string) => world.repositories.get(identifier);
    this.sync = new GitDataSync(
      {
        remote: { fetch: (request, signal) => this.#fetch(request, signal) },
        hosts: this.#hosts,
        missing: async ({ identifier }) => {
          if (world.faultsOn && chance(random, 0.01)) throw new Error('git could not be run');
          const repository = of(identifier);
          return repository?.isServed === true ? repository.missing() : undefined;
        },
        copyFromOthers: async () => false,
        servers: async ({ identifier }, missing) =>
          serversFor(of(identifier)?.announcements ?? [], missing, {
            isOwn: (url) => url.startsWith('https://us.'),
            random,
            turns: { isOver: false, next: async () => {} },
          }),
        arrive: async ({ identifier }, { moveIn, objectIds }) => {
          if (world.faultsOn && chance(random, 0.05)) throw new Error('the disk is full');
          const repository = of(identifier);
          if (repository?.isServed !== true) return false;
          await moveIn();
          for (const objectId of objectIds) repository.disk.add(objectId);
          return true;
        },
        refusal: () => this.refusal,
        fetchesMax,
        clock,
        random,
        metrics: new GitSyncMetrics(new Registry(), clock),
        log: { debug() {}, info() {}, warn() {} },
      },
      this.#stop.signal,
    );
  }

  /** Told of what lacks, as alignment tells it after a start. */
  begin(): void {
    for (const repository of this.#parts.world.repositories.values())
      if (repository.missing().length > 0) this.sync.lacks(repository.id);
  }

  /** Hosts rest as long as they are to, and no longer. */
  checkRests(): void {
    const { world, report } = this.#parts;
    for (const host of world.hosts.values())
      for (const isNews of [true, false])
        if (this.#hosts.of(host.name).restMs(isNews) !== this.audit.restMs(host, isNews))
          report(`${host.name} does not rest as long as it is to`);
  }

  async end(): Promise<void> {
    this.#stop.abort(new Error('killed'));
    await this.sync.ended();
  }

  async #fetch(request: FetchRequest, signal: AbortSignal): Promise<FetchOutcome> {
    const { world, clock, report } = this.#parts;
    const { url, objectIds, isProposal } = request;
    const repository = world.repositories.get(request.repository.identifier);
    const there = world.at(url);
    this.fetches += 1;
    if (there === undefined || repository === undefined) {
      report(`${url} is asked`);
      return { type: 'failed', failure: 'dns', message: 'no such host', bytes: 0 };
    }
    const { host, served } = there;
    const isNews = this.sync.of(repository.id)?.isNews === true;
    using asked = this.audit.begin({ host, repository, url, isProposal, objectIds, isNews });
    const { afterMs, failure, retryAfterMs } = host.answer(world.faultsOn);
    await clock.sleep(afterMs, signal);
    const sent =
      failure === undefined ? await served.send(request, world.faultsOn, clock, signal) : undefined;
    if (sent !== undefined && 'objectIds' in sent) {
      asked.ended(undefined);
      return { type: 'fetched', bytes: sent.bytes, fetched: fetched(sent.objectIds) };
    }
    const failed = sent?.failure ?? failure ?? 'ours';
    asked.ended(failed, retryAfterMs);
    return { type: 'failed', failure: failed, message: failed, bytes: sent?.bytes ?? 0, retryAfterMs };
  }
}

function fetched(objectIds: readonly string[]): FetchedObjects {
  return { objectIds, moveIn: async () => {}, [Symbol.asyncDispose]: async () => {} };
}
