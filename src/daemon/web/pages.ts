import { backgroundTurns } from '../../config/background-turns.js';
import type { FrontPageExtras } from '../../http/built-in-routes.js';
import type { Route } from '../../http/route.js';
import { assetRoute } from '../../web/assets.js';
import { Catalogue } from '../../web/catalogue.js';
import { repositoryList } from '../../web/repository-list.js';
import { statusLink } from '../../web/status/status-page.js';
import { statusRoutes } from '../../web/status/status-routes.js';
import type { CurrentOptions } from '../reload/current-options.js';
import { diskUseSettingsOf } from '../settings.js';
import type { Surroundings } from '../surroundings.js';
import type { StatusSourceParts } from './status-source.js';
import { statusSource } from './status-source.js';
import { Throughput } from './throughput.js';

/** What browsers are shown, and the way to end what is kept open. */
export type Web = {
  readonly frontPage: FrontPageExtras;
  readonly routes: readonly Route[];
  /** Keeps up what pages say of the last day, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  close(): void;
};

/** Makes the pages of the service: the list of repositories at `/`, the status page where it is wanted, what pages load. */
export function createWeb(
  current: CurrentOptions,
  parts: Omit<StatusSourceParts, 'clock' | 'repositoriesBytesMax' | 'throughput'>,
  { clock, faults }: Surroundings,
): Web {
  const catalogue = new Catalogue({
    directory: parts.directory,
    lacks: (repository) => parts.gitSync.of(repository) !== undefined,
    clock,
    turns: backgroundTurns(clock, 'care'),
  });
  const listRepositories = repositoryList(catalogue);
  const routes = [assetRoute()];
  const options = current.now;
  if (!options.statusPage) {
    return { frontPage: { listRepositories, links: [] }, routes, run: async () => {}, close: () => {} };
  }
  const throughput = new Throughput(parts.registry, clock);
  const repositoriesBytesMax = () => diskUseSettingsOf(current.now, parts.disk).repositories.bytesMax;
  const status = statusRoutes({
    source: statusSource({ ...parts, clock, throughput, repositoriesBytesMax }),
    catalogue,
    domain: options.domain,
    token: () => current.now.statusToken,
    clock,
    onFault: (error) => faults.note('request', error),
  });
  return {
    frontPage: { listRepositories, links: [statusLink] },
    routes: [...routes, ...status.routes],
    run: (signal) => throughput.run(signal),
    close: () => status.close(),
  };
}
