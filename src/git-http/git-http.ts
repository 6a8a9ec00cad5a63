import type { Registry } from 'prom-client';
import { backgroundTurns } from '../config/background-turns.js';
import { limits } from '../config/limits.js';
import type { BareRepositories, PrsRepository, RepositoryKey } from '../git/bare-repositories.js';
import type { GitStreams } from '../git/git-streams.js';
import { ProcessGate } from '../git/processes/process-gate.js';
import type { GitService } from '../git-protocol/advertisement.js';
import type { Route } from '../http/route.js';
import { TokenBucket } from '../lib/budgets/token-bucket.js';
import type { RepositoryDirectory, RepositoryId } from '../repositories/repository-directory.js';
import { Advertisements } from './advertisements.js';
import { type GitEndpoint, type GitEndpointParts, gitRoute } from './git-endpoint.js';
import { GitHttpMetrics } from './git-http-metrics.js';
import { infoRefs } from './info-refs.js';
import { type PageParts, RepositoryPages } from './page/page-route.js';
import { type Receive, receivePack } from './receive-pack.js';
import { announcedSite, prsSite, type RepositorySite } from './sites/repository-site.js';
import { ServedRepositories } from './sites/served-repositories.js';
import { uploadPack } from './upload-pack.js';

/** How much git may do for clients, asked for at each use. */
export type GitHttpSettings = {
  /** Git processes that serve clones and fetches at once. */
  readonly uploadsMax: number;
  /** Pushes that are taken at once. */
  readonly receivesMax: number;
  /** Requests that wait, of each sort. */
  readonly waitingMax: number;
  /** The longest that one request may take. */
  readonly msMax: number;
  /** Most bytes of the body of one push, inflated. */
  readonly pushBytesMax: number;
};

export type GitHttpParts = Pick<GitEndpointParts, 'clock' | 'logger'> & {
  readonly hasLapsed: RepositorySite<RepositoryId>['hasLapsed'];
  readonly directory: Pick<RepositoryDirectory, 'isServed'> & PageParts['directory'];
  readonly repositories: BareRepositories;
  readonly pages: Pick<PageParts, 'store' | 'heldAnnouncement' | 'publicAddress'>;
  readonly streams: GitStreams;
  /** Without it nothing can be pushed. */
  readonly receive: Receive<RepositoryId> | undefined;
  /** What takes pushes to repositories of pull requests (GRASP-06); without it there are none. */
  readonly prsReceive?: Receive<PrsRepository> | undefined;
  readonly registry: Registry;
  readonly settings: GitHttpSettings;
};

/** Git over smart HTTP. */
export type GitHttp = {
  readonly routes: readonly Route[];
  /** To be called after each change of a repository's refs or of its HEAD. */
  refsChanged(gitDir: string): void;
};

export function createGitHttp(parts: GitHttpParts): GitHttp {
  const { directory, repositories, streams, receive, prsReceive, clock, logger, settings } = parts;
  const gateOf = (runningMax: () => number) => {
    const gateSettings = {
      get runningMax() {
        return runningMax();
      },
      get waitingMax() {
        return settings.waitingMax;
      },
    };
    return new ProcessGate(gateSettings, clock);
  };
  const gates = {
    uploads: gateOf(() => settings.uploadsMax),
    receives: gateOf(() => settings.receivesMax),
    advertisements: gateOf(() => limits.gitAdvertisersMax),
  };
  const advertisements = new Advertisements({
    streams,
    gate: gates.advertisements,
    bytesMax: limits.gitAdvertisementsKeptBytesMax,
  });
  const metrics = new GitHttpMetrics(parts.registry);
  metrics.watch(gates, advertisements);
  const warnings = new TokenBucket(clock, limits.gitFailuresLoggedPerMinuteMax);
  const infoRefsOf = (services: readonly GitService[]) =>
    infoRefs({ advertisements, streams, gate: gates.uploads, clock, services });
  const upload = uploadPack({ streams, gate: gates.uploads, clock, msMax: () => settings.msMax });
  const pushEndpoint = <Repository extends RepositoryKey>(taking: Receive<Repository>) =>
    receivePack({ receive: taking, gate: gates.receives, clock, bytesMax: () => settings.pushBytesMax });
  const routesOf = <Repository extends RepositoryKey>(
    site: RepositorySite<Repository>,
    taking: Receive<Repository> | undefined,
  ): Route[] => {
    const reading = (services: readonly GitService[]) => [infoRefsOf(services), upload];
    const endpoints: GitEndpoint<Repository>[] =
      taking === undefined
        ? reading(['git-upload-pack'])
        : [...reading(['git-upload-pack', 'git-receive-pack']), pushEndpoint(taking)];
    return endpoints.map((endpoint) => gitRoute(endpoint, site, { ...parts, metrics, warnings }));
  };
  const served = new ServedRepositories(directory, repositories);
  const pageGate = gateOf(() => limits.pagesMadeAtOnceMax);
  const turns = backgroundTurns(clock, 'care');
  const pageParts = { served, directory, streams, clock, turns, gate: pageGate, logger, warnings };
  const pages = new RepositoryPages({ ...parts.pages, ...pageParts });
  return {
    routes: [
      ...routesOf(announcedSite(served, parts.hasLapsed), receive),
      ...(prsReceive === undefined ? [] : routesOf(prsSite(repositories), prsReceive)),
      pages.route,
    ],
    refsChanged(gitDir) {
      advertisements.refsChanged(gitDir);
      pages.refsChanged(gitDir);
    },
  };
}
