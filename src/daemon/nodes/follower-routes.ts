import type { Options } from '../../config/options.js';
import { exactly, type Route } from '../../http/route.js';
import { assetRoute } from '../../web/assets.js';
import { nodeStatus } from '../../web/status/node-status.js';
import type { NodeStatusReport } from '../../web/status/status-report.js';
import type { PassOn } from './pass-on.js';

export type FollowerRoutesParts = {
  readonly passing: Pick<PassOn, 'route'>;
  /** Whether there is a connection to the one that writes. */
  readonly isConnected: () => boolean;
  /** What this one says of itself. */
  readonly report: () => NodeStatusReport;
  readonly options: Pick<Options, 'domain' | 'statusPage' | 'statusToken'>;
};

/**
 * What a graspd that follows serves besides the relay: what the one that writes answers. Where that does not answer, the status
 * page is what this one knows itself, so that an operator sees something then.
 */
export function followerRoutes({ passing, isConnected, report, options }: FollowerRoutesParts): Route[] {
  const { domain, statusPage, statusToken: token } = options;
  const assets = assetRoute();
  const own = nodeStatus({ report, domain, token });
  const statusRoute = (path: string, handle: Route['handle']): Route => {
    const passed = passing.route(exactly(path), handle);
    // Where it is cut off, nobody says that a request does not arrive.
    return {
      ...passed,
      handle: (request, response) => (isConnected() ? passed.handle : handle)(request, response),
    };
  };
  return [
    passing.route(assets.matches, assets.handle),
    ...(statusPage ? [statusRoute('/status', own.page), statusRoute('/status.json', own.json)] : []),
    passing.route(() => true),
  ];
}
