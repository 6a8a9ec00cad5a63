import type { IncomingMessage } from 'node:http';
import { parseWebUrl } from '../../config/host.js';

/** The header with which one graspd tells another where it is reached. */
export const nodeUrlHeader = 'graspd-node-url';

/** Of a `--node-url` what may be shown and stands in a header as it is: scheme, host and port. */
export function shownNodeUrl(url: string): string {
  return new URL(url).origin;
}

/** Where the one that asks is reached, as it says; `undefined` where it says nothing that is a URL. */
export function toldNodeUrl({ headers }: Pick<IncomingMessage, 'headers'>): string | undefined {
  const url = parseWebUrl(String(headers[nodeUrlHeader] ?? ''));
  return url === undefined ? undefined : shownNodeUrl(url);
}
