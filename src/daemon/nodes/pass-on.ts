import {
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { limits } from '../../config/limits.js';
import { ProcessGate } from '../../git/processes/process-gate.js';
import { BodyError } from '../../git-http/body-error.js';
import { type ReaderWatch, send } from '../../git-http/flow.js';
import { openRawBody } from '../../git-http/request-body.js';
import { readerWatch } from '../../git-http/upload-pack.js';
import { answerText } from '../../http/answers.js';
import { type Asker, askerOf } from '../../http/asker.js';
import type { Route, RouteRequest } from '../../http/route.js';
import { localAddressGroup } from '../../lib/budgets/address-group.js';
import type { Clock } from '../../lib/clock.js';
import { errorCode } from '../../lib/errors.js';

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

/**
 * Stands in what was passed on: whoever follows passes that on to nobody. For a while after a start or a change, one may take
 * itself, or another that follows, for the one that writes.
 */
const passedHeader = 'graspd-passed';

type Agents = { readonly http: HttpAgent; readonly https: HttpsAgent };

/**
 * Passes requests on to the graspd that writes: git, pages, the management. As many at a time as there are places, of which one
 * address has half at most; what is sent or read too slowly ends, as it does where git is served, and so does what holds one of
 * several places of its address for long while others wait.
 */
export class PassOn implements AsyncDisposable {
  readonly #writerUrl: () => string;
  readonly #clock: Clock;
  readonly #gate: ProcessGate;
  readonly #agents: Agents = {
    http: new HttpAgent({ keepAlive: true }),
    https: new HttpsAgent({ keepAlive: true }),
  };

  constructor(writerUrl: () => string, clock: Clock) {
    this.#writerUrl = writerUrl;
    this.#clock = clock;
    const places = { runningMax: limits.nodeRequestsMax, waitingMax: limits.nodeRequestsWaitingMax };
    this.#gate = new ProcessGate(places, clock);
  }

  /** The route that does so; `matches` says for which paths. `whenAway` answers where the one that writes does not. */
  route(matches: Route['matches'], whenAway: Route['handle'] = answerAway): Route {
    return {
      matches,
      methods: ['GET', 'POST'],
      handle: async (request, response) => {
        const asker = askerOf(request.addressGroup, response);
        try {
          await this.#handle(request, response, asker, whenAway);
        } catch (error) {
          answerFailure(response, asker, error);
        }
      },
    };
  }

  /** Lets go of the connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  async #handle(
    request: RouteRequest,
    response: ServerResponse,
    asker: Asker,
    whenAway: Route['handle'],
  ): Promise<void> {
    if (request.message.headers[passedHeader] !== undefined) {
      await whenAway(request, response);
      return;
    }
    const leave = await this.#gate.enter(asker.signal, asker.party, () => endForOthers(response));
    try {
      const watch = readerWatch({ gate: this.#gate, clock: this.#clock }, asker);
      const body = openRawBody(request.message, bodyLimitsOf(watch), this.#clock);
      const answered = await ask(this.#writerUrl(), this.#agents, request, body, response);
      if (answered !== undefined) await relay(answered, response, watch);
      else if (!response.destroyed) await whenAway(request, response);
    } finally {
      leave();
    }
  }
}

const answerAway: Route['handle'] = (_request, response) =>
  answerText(response, 503, 'the part of this service that answers this is away');

/** Has a request that holds a place for long give it up. */
function endForOthers(response: ServerResponse): void {
  // What has begun to be answered must not look like a whole answer.
  if (response.headersSent) response.destroy();
  else
    answerText(
      response,
      503,
      'others wait, and this address has more places than they have; ask again later',
    );
}

/** How large a body may be is said where it is passed on to. */
function bodyLimitsOf({ givesWay }: ReaderWatch) {
  return {
    bytesMax: Number.POSITIVE_INFINITY,
    spanMs: limits.gitBodySpanMs,
    spanBytesMin: limits.gitBodySpanBytesMin,
    giveWay: (bytes: number) =>
      givesWay(bytes) ? 'others wait, and this request comes too slowly; ask again later' : undefined,
  };
}

function answerFailure(response: ServerResponse, { signal }: Asker, error: unknown): void {
  if (signal.aborted) return;
  if (error instanceof BodyError) answerText(response, error.status, error.message);
  else if (errorCode(error) === 'git_busy')
    answerText(response, 503, 'too many requests are being answered; try again later');
  else throw error;
}

/** The answer to a request; `undefined` when there is none. Rejects with `BodyError`. */
function ask(
  writerUrl: string,
  { http, https }: Agents,
  { message, addressGroup }: RouteRequest,
  body: Readable,
  response: ServerResponse,
): Promise<IncomingMessage | undefined> {
  const base = new URL(writerUrl);
  const isTls = base.protocol === 'https:';
  return new Promise((resolve, reject) => {
    const passed = (isTls ? httpsRequest : httpRequest)({
      agent: isTls ? https : http,
      host: base.hostname.replace(/^\[|\]$/g, ''),
      port: base.port,
      method: message.method,
      path: message.url,
      headers: { ...keptHeaders(message), ...forwardedFor(addressGroup), [passedHeader]: '1' },
      setHost: false,
    });
    passed.once('response', resolve);
    passed.once('error', () => resolve(undefined));
    response.once('close', () => passed.destroy());
    body.once('error', reject);
    pipeline(body, passed).catch(() => passed.destroy());
  });
}

async function relay(answered: IncomingMessage, response: ServerResponse, watch: ReaderWatch): Promise<void> {
  // Ours, which stand there already, are the same.
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  response.writeHead(answered.statusCode ?? 502, keptHeaders(answered));
  // Node would keep them until there is some of the body, which who asked may wait for.
  response.flushHeaders();
  try {
    await send(answered, response, watch);
    if (!response.destroyed) response.end();
  } catch {
    // Half an answer must not look like a whole one.
    response.destroy();
  } finally {
    answered.destroy();
  }
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
