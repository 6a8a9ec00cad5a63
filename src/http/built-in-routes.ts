import type { ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import { limits } from '../config/limits.js';
import type { Clock } from '../lib/clock.js';
import { answer, answerJson } from './answers.js';
import { frontPage } from './pages/front-page.js';
import { type PageLink, pageHeaders } from './pages/html.js';
import {
  asksForRelayInformation,
  type RelayInformationDocument,
  relayInformationType,
} from './relay-information.js';
import { exactly, type Route, type RouteRequest } from './route.js';

/** What is shown of a registry: its text, and the type of that. */
export type MetricsText = Pick<Registry, 'contentType' | 'metrics'>;

/** Whether the daemon can do its work, and if not, why: one line for each reason. */
export type Readiness = { readonly ready: boolean; readonly reasons: readonly string[] };

/** What the page at `/` shows beside what the service says of itself. */
export type FrontPageExtras = {
  /** The list of repositories as HTML, as far as the query asks for it. Rejects when nobody waits for it any more. */
  listRepositories(request: RouteRequest, response: ServerResponse): Promise<string>;
  readonly links: readonly PageLink[];
};

/** What the route at `/` may have beside the NIP-11 document. */
export type RelayRouteParts = Partial<FrontPageExtras> & {
  /** Takes what is posted (NIP-86). */
  readonly manage?: Route['handle'] | undefined;
};

/**
 * What is at `/`, where WebSockets are served too: the NIP-11 document for those who ask for it, a page for browsers.
 * Caches keep the two apart. A POST goes to the management of the relay (NIP-86), where there is one.
 */
export function relayRoute(
  information: () => RelayInformationDocument,
  relayUrl: string,
  { manage, listRepositories, links = [] }: RelayRouteParts = {},
): Route {
  return {
    matches: exactly('/'),
    methods: manage === undefined ? ['GET'] : ['GET', 'POST'],
    async handle(request, response) {
      if (request.message.method === 'POST' && manage !== undefined) return await manage(request, response);
      const document = information();
      const vary = { Vary: 'Accept' };
      if (asksForRelayInformation(request.message.headers.accept)) {
        answer(response, 200, relayInformationType, JSON.stringify(document), vary);
      } else {
        const repositories = (await listRepositories?.(request, response)) ?? '';
        const page = frontPage(document, { relayUrl, repositories, links });
        answer(response, 200, 'text/html; charset=utf-8', page, { ...pageHeaders, ...vary });
      }
    },
  };
}

/** `/healthz`: the process lives and its event loop turns. */
export function healthRoute(): Route {
  return {
    matches: exactly('/healthz'),
    methods: ['GET'],
    handle: (_request, response) =>
      answerJson(response, 200, { status: 'ok' }, { 'Cache-Control': 'no-store' }),
  };
}

/** `/readyz`: 200, or 503 with the reasons. */
export function readinessRoute(readiness: () => Readiness): Route {
  return {
    matches: exactly('/readyz'),
    methods: ['GET'],
    handle(_request, response) {
      const { ready, reasons } = readiness();
      answerJson(response, ready ? 200 : 503, { ready, reasons }, { 'Cache-Control': 'no-store' });
    },
  };
}

/** `/metrics` in the text format of Prometheus, made once for all who ask within a moment. */
export function metricsRoute(metrics: MetricsText, clock: Pick<Clock, 'monotonic'>): Route {
  let text: Promise<string> | undefined;
  let madeAtMs = Number.NEGATIVE_INFINITY;
  const currentText = (): Promise<string> => {
    const nowMs = clock.monotonic();
    if (text !== undefined && nowMs - madeAtMs < limits.httpMetricsAgeMsMax) return text;
    madeAtMs = nowMs;
    text = metrics.metrics();
    return text;
  };
  return {
    matches: exactly('/metrics'),
    methods: ['GET'],
    async handle(_request, response) {
      answer(response, 200, metrics.contentType, await currentText(), { 'Cache-Control': 'no-store' });
    },
  };
}
