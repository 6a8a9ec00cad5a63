import type { IncomingMessage } from 'node:http';
import { urlOf } from '../config/url.js';

/** What a request asks for: the path as it was sent, and the query. */
export type RequestTarget = { readonly path: string; readonly query: URLSearchParams };

/**
 * Path and query of a request target; absolute targets, as proxies send them, are reduced to theirs (RFC 9112 §3.2).
 * `undefined` when it cannot be read.
 */
export function requestTarget({ url }: Pick<IncomingMessage, 'url'>): RequestTarget | undefined {
  const target = url ?? '/';
  const local = target.startsWith('/') ? target : originForm(target);
  if (local === undefined) return undefined;
  const mark = local.indexOf('?');
  const path = mark < 0 ? local : local.slice(0, mark);
  return { path, query: new URLSearchParams(mark < 0 ? '' : local.slice(mark + 1)) };
}

function originForm(target: string): string | undefined {
  const url = urlOf(target);
  if (url === undefined || !['http:', 'https:', 'ws:', 'wss:'].includes(url.protocol)) return undefined;
  return `${url.pathname}${url.search}`;
}
