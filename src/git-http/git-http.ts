import type { Registry } from 'prom-client';
import { limits } from '../config/limits.js';
import type { BareRepositories } from '../git/bare-repositories.js';
import type { GitStreams } from '../git/git-streams.js';
import { ProcessGate } from '../git/processes/process-gate.js';
import type { ReceiveService } from '../hosting/receive-service.js';
import type { Route } from '../http/route.js';
import type { RepositoryDirectory } from '../repositories/repository-directory.js';
import { Advertisements } from './advertisements.js';
import { type GitEndpoint, type GitEndpointParts, gitRoute } from './git-endpoint.js';
import { GitHttpMetrics } from './git-http-metrics.js';
import { infoRefs } from './info-refs.js';
import { type PageParts, RepositoryPages } from './page/page-route.js';
import { receivePack } from './receive-pack.js';
import { ServedRepositories } from './served-repositories.js';
import { uploadPack } from './upload-pack.js';

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

export type GitHttpParts = Pick<GitEndpointParts, 'hasLapsed' | 'clock' | 'logger'> & {
  readonly directory: Pick<RepositoryDirectory, 'isServed'> & PageParts['directory'];
  readonly repositories: BareRepositories;
  readonly pages: Pick<PageParts, 'store' | 'git' | 'heldAnnouncement' | 'publicAddress'>;
  readonly streams: GitStreams;
  /** Without it nothing can be pushed. */
  readonly receive: Pick<ReceiveService, 'receive'> | undefined;
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
  const { directory, repositories, streams, receive, clock, settings } = parts;
  const { uploadsMax, receivesMax, waitingMax, msMax, pushBytesMax } = settings;
  const gates = {
    uploads: new ProcessGate({ runningMax: uploadsMax, waitingMax }),
    receives: new ProcessGate({ runningMax: receivesMax, waitingMax }),
    advertisements: new ProcessGate({ runningMax: limits.gitAdvertisersMax, waitingMax }),
  };
  const advertisements = new Advertisements({
    streams,
    gate: gates.advertisements,
    bytesMax: limits.gitAdvertisementsKeptBytesMax,
  });
  const metrics = new GitHttpMetrics(parts.registry);
  metrics.watch(gates, advertisements);
  const endpoints: GitEndpoint[] = [
    infoRefs({
      advertisements,
      streams,
      gate: gates.uploads,
      services: receive === undefined ? ['git-upload-pack'] : ['git-upload-pack', 'git-receive-pack'],
    }),
    uploadPack({ streams, gate: gates.uploads, clock, msMax }),
    ...(receive === undefined
      ? []
      : [receivePack({ receive, gate: gates.receives, clock, bytesMax: pushBytesMax })]),
  ];
  const served = new ServedRepositories(directory, repositories);
  const pageGate = new ProcessGate({ runningMax: limits.pagesMadeAtOnceMax, waitingMax });
  const pages = new RepositoryPages({ ...parts.pages, served, directory, clock, gate: pageGate });
  return {
    routes: [...endpoints.map((endpoint) => gitRoute(endpoint, { ...parts, served, metrics })), pages.route],
    refsChanged(gitDir) {
      advertisements.refsChanged(gitDir);
      pages.refsChanged(gitDir);
    },
  };
}
