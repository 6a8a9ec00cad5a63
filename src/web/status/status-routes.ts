import type { ServerResponse } from 'node:http';
import { answerJson, answerText } from '../../http/answers.js';
import { askerOf } from '../../http/asker.js';
import { exactly, type Route, type RouteRequest } from '../../http/route.js';
import type { Clock } from '../../lib/clock.js';
import { errorMessage } from '../../lib/errors.js';
import { type Catalogue, SearchBusyError } from '../catalogue.js';
import { listQueryOf } from '../list-query.js';
import { repositoriesReport, repositoriesSection } from './repositories-report.js';
import { Snapshots } from './snapshots.js';
import { StatusAccess } from './status-access.js';
import { answerPage, askForToken, noStore, refuseWithoutToken } from './status-answers.js';
import { StatusFeed } from './status-feed.js';
import { statusPage } from './status-page.js';
import type { StatusSource } from './status-report.js';

export type StatusRoutesParts = {
  readonly source: StatusSource;
  readonly catalogue: Catalogue;
  readonly domain: string;
  /** Without it everybody may see the page. */
  readonly token: () => string | undefined;
  readonly clock: Pick<Clock, 'after' | 'monotonic'>;
  readonly onFault: (error: unknown) => void;
};

/** What is served, and the way to end it. */
export type StatusRoutes = {
  readonly routes: readonly Route[];
  /** Ends the connections of those who keep the page open. */
  close(): void;
};

type Handle = (request: RouteRequest, response: ServerResponse) => Promise<void>;

/** `/status`, `/status.json` and `/status/events`. */
export function statusRoutes({
  source,
  catalogue,
  domain,
  token,
  clock,
  onFault,
}: StatusRoutesParts): StatusRoutes {
  const access = new StatusAccess(token);
  const snapshots = new Snapshots(source, clock);
  const feed = new StatusFeed({ snapshots, token, clock, onFault });

  const repositoriesOf = async ({ query, addressGroup }: RouteRequest, response: ServerResponse) => {
    const { signal, party = addressGroup } = askerOf(addressGroup, response);
    const asked = listQueryOf(query);
    try {
      const found = await catalogue.find(asked, party, signal);
      return { asked, found, report: repositoriesReport(found, source) };
    } catch (error) {
      if (error instanceof SearchBusyError) answerText(response, 503, errorMessage(error));
      else if (!signal.aborted) throw error;
      return undefined;
    }
  };

  const route = (path: string, handle: Handle, refuse: (response: ServerResponse) => void): Route => ({
    matches: exactly(path),
    methods: ['GET'],
    handle: async (request, response) => {
      if (access.allows(request)) await handle(request, response);
      else refuse(response);
    },
  });

  const page: Handle = async (request, response) => {
    const repositories = await repositoriesOf(request, response);
    if (repositories === undefined) return;
    const { asked, found, report } = repositories;
    const { parts } = await snapshots.current();
    const section = repositoriesSection(asked, found, report, access.queryOf(request));
    answerPage(response, 200, statusPage(domain, parts, section));
  };

  const json: Handle = async (request, response) => {
    const repositories = await repositoriesOf(request, response);
    if (repositories === undefined) return;
    const { report } = await snapshots.current();
    answerJson(response, 200, { ...report, repositories: repositories.report }, noStore);
  };

  const events: Handle = async ({ message, addressGroup }, response) => {
    if (message.method === 'HEAD') response.writeHead(200, noStore).end();
    else if (!(await feed.add(response, addressGroup)))
      answerText(response, 503, 'as many as may already keep the status page open');
  };

  return {
    routes: [
      route('/status', page, askForToken),
      route('/status.json', json, refuseWithoutToken),
      route('/status/events', events, refuseWithoutToken),
    ],
    close: () => feed.close(),
  };
}
