import type { Registry } from 'prom-client';
import { limits } from '../config/limits.js';
import type { Clock } from '../lib/clock.js';
import { answer, answerJson } from './answers.js';
import { frontPage } from './front-page.js';
import { pageHeaders } from './html.js';
import {
  asksForRelayInformation,
  type RelayInformationDocument,
  relayInformationType,
} from './relay-information.js';
import { exactly, type Route } from './route.js';

/** What is shown of a registry: its text, and the type of that. */
export type MetricsText = Pick<Registry, 'contentType' | 'metrics'>;

/** Whether the daemon can do its work, and if not, why: one line for each reason. */
export type Readiness = { readonly ready: boolean; readonly reasons: readonly string[] };

/**
 * What is at `/`, where WebSockets are served too: the NIP-11 document for those who ask for it, a page for browsers.
 * Caches keep the two apart. A POST goes to the management of the relay (NIP-86), where there is one.
 */
export function relayRoute(
  information: () => RelayInformationDocument,
  relayUrl: string,
  manage?: Route['handle'],
): Route {
  return {
    matches: exactly('/'),
    methods: manage === undefined ? ['GET'] : ['GET', 'POST'],
    handle(request, response) {
      const { message } = request;
      if (message.method === 'POST' && manage !== undefined) return manage(request, response);
      const document = information();
      const vary = { Vary: 'Accept' };
      if (asksForRelayInformation(message.headers.accept)) {
        answer(response, 200, relayInformationType, JSON.stringify(document), vary);
      } else {
        const page = frontPage(document, relayUrl);
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
