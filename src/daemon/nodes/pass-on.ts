import {
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { limits } from '../../config/limits.js';
import { answerText } from '../../http/answers.js';
import type { Route, RouteRequest } from '../../http/route.js';
import { localAddressGroup } from '../../lib/budgets/address-group.js';

/** Headers that are about one connection, and not passed on (RFC 9110 §7.6.1). */
const connectionHeaders: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

type Agents = { readonly http: HttpAgent; readonly https: HttpsAgent };

/** Passes requests on to the graspd that writes: git, pages, the management. */
export class PassOn implements AsyncDisposable {
  readonly #writerUrl: () => string;
  readonly #agents: Agents = {
    http: new HttpAgent({ keepAlive: true, maxSockets: limits.nodeRequestsMax }),
    https: new HttpsAgent({ keepAlive: true, maxSockets: limits.nodeRequestsMax }),
  };

  constructor(writerUrl: () => string) {
    this.#writerUrl = writerUrl;
  }

  /** The route that does so; `matches` says for which paths. `whenAway` answers where the one that writes does not. */
  route(matches: Route['matches'], whenAway: Route['handle'] = answerAway): Route {
    return {
      matches,
      methods: ['GET', 'POST'],
      handle: async (request, response) => {
        const answered = await ask(this.#writerUrl(), this.#agents, request, response);
        if (answered !== undefined) await relay(answered, response);
        else if (!response.destroyed) await whenAway(request, response);
      },
    };
  }

  /** Lets go of the connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }
}

const answerAway: Route['handle'] = (_request, response) =>
  answerText(response, 503, 'the part of this service that answers this is away');

/** The answer to a request; `undefined` when there is none. */
function ask(
  writerUrl: string,
  { http, https }: Agents,
  { message, addressGroup }: RouteRequest,
  response: ServerResponse,
): Promise<IncomingMessage | undefined> {
  const base = new URL(writerUrl);
  const isTls = base.protocol === 'https:';
  return new Promise((resolve) => {
    const passed = (isTls ? httpsRequest : httpRequest)({
      agent: isTls ? https : http,
      host: base.hostname.replace(/^\[|\]$/g, ''),
      port: base.port,
      method: message.method,
      path: message.url,
      headers: { ...keptHeaders(message), ...forwardedFor(addressGroup) },
      setHost: false,
    });
    passed.once('response', resolve);
    passed.once('error', () => resolve(undefined));
    response.once('close', () => passed.destroy());
    pipeline(message, passed).catch(() => passed.destroy());
  });
}

async function relay(answered: IncomingMessage, response: ServerResponse): Promise<void> {
  // Ours, which stand there already, are the same.
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  response.writeHead(answered.statusCode ?? 502, keptHeaders(answered));
  // Who asked, or who answered, has gone: the other is told by the end of its connection.
  await pipeline(answered, response).catch(() => response.destroy());
}

function keptHeaders({ headers }: IncomingMessage): Record<string, string | string[]> {
  const named = new Set(
    String(headers.connection ?? '')
      .toLowerCase()
      .split(',')
      .map((name) => name.trim()),
  );
  const kept: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || connectionHeaders.has(name) || named.has(name)) continue;
    if (name !== 'x-forwarded-for' && name !== 'graspd-node') kept[name] = value;
  }
  return kept;
}

/** For whom we ask; without a word it is nobody whom limits of one address bind. */
function forwardedFor(addressGroup: string): Record<string, string> {
  if (addressGroup === localAddressGroup) return {};
  const [address = ''] = addressGroup.split('/', 1);
  return { 'x-forwarded-for': address };
}
