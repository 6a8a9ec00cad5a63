import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { exceeds } from '../../config/limit-use.js';
import { userAgent } from '../../config/version.js';
import { deferred } from '../../lib/abort.js';
import { watchPieces } from '../../network/body-pieces.js';
import type { Route } from '../../network/route.js';
import { parseBoundedJson } from '../../nostr/bounded-json.js';
import type { RelayInformation } from './transport.js';

/**
 * Reads the NIP-11 document of a relay, bounded in size; the caller bounds the time. Rejects when there is none. A
 * redirect is none: it could lead anywhere.
 */
export async function fetchInformation(
  relay: URL,
  way: Route,
  signal: AbortSignal,
): Promise<RelayInformation | undefined> {
  const url = new URL(relay);
  url.protocol = relay.protocol === 'wss:' ? 'https:' : 'http:';
  const response = await get(url, way, signal);
  if (response.statusCode !== 200) {
    response.destroy();
    return undefined;
  }
  return parseInformation(await readBody(response));
}

function get(url: URL, way: Route, signal: AbortSignal): Promise<IncomingMessage> {
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const headers = { Accept: 'application/nostr+json', 'User-Agent': userAgent };
    const options = { agent: false, ...way, signal, headers };
    send(url, options, resolve).on('error', reject).end();
  });
}

/** Rejects where it is too large, comes in too many small pieces, or breaks off. */
function readBody(response: IncomingMessage): Promise<string> {
  const { promise, resolve, reject } = deferred<string>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  watchPieces(response, () => response.destroy());
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (exceeds('remoteInformationBytesMax', bytes)) response.destroy();
    else chunks.push(chunk);
  });
  response.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
  response.on('error', reject);
  response.on('close', () => reject(new Error('the document did not come to its end')));
  return promise;
}

/** Reads what sync needs of a NIP-11 document; `undefined` when it is none. Numbers that make no sense are left out. */
export function parseInformation(text: string): RelayInformation | undefined {
  let document: unknown;
  try {
    document = parseBoundedJson(text);
  } catch {
    return undefined;
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document)) return undefined;
  const { supported_nips: nips, supported_grasps: grasps, limitation } = document as Record<string, unknown>;
  const limit =
    typeof limitation === 'object' && limitation !== null ? (limitation as Record<string, unknown>) : {};
  return {
    supportedNips: Array.isArray(nips) ? nips.filter((nip) => Number.isInteger(nip)) : undefined,
    maxSubscriptions: wholeNumber(limit.max_subscriptions),
    maxFilters: wholeNumber(limit.max_filters),
    maxMessageBytes: wholeNumber(limit.max_message_length),
    maxLimit: wholeNumber(limit.max_limit),
    supportsGrasp: Array.isArray(grasps) && grasps.length > 0,
    authRequired: limit.auth_required === true,
    hasLimitation: Object.keys(limit).length > 0,
  };
}

function wholeNumber(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : undefined;
}
