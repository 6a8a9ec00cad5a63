import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { type BindAddress, formatBindAddress } from '../config/host.js';
import { exceeds } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import { deferred, withTimeLimit } from '../lib/abort.js';
import type { Clock } from '../lib/clock.js';
import { errorMessage } from '../lib/errors.js';
import type { Faults } from '../lib/faults.js';
import { turnOrder } from '../lib/turns/turn-order.js';
import type { UpgradeRefusal } from '../lib/upgrade-refusal.js';
import { rawAnswer } from './answers.js';
import {
  healthRoute,
  type MetricsText,
  metricsRoute,
  type Readiness,
  readinessRoute,
} from './built-in-routes.js';
import { ConnectionGate, type GateParts } from './connection-gate.js';
import { withoutUpgrade } from './ignored-upgrade.js';
import { listenError } from './listen-error.js';
import { iconRoute } from './pages/icon.js';
import { requestListener } from './request-listener.js';
import { requestTarget } from './request-target.js';
import { RequestTurns } from './request-turns.js';
import type { Route } from './route.js';
import { UnreadAnswers } from './unread-answers.js';

/**
 * Takes the socket of a request for a WebSocket, or says why not; then the service answers and closes it.
 * `addressGroup` is that of the client (`lib/budgets/address-group.ts`).
 */
export type UpgradeHandler = (
  request: IncomingMessage,
  stream: Duplex,
  head: Buffer,
  addressGroup: string,
) => UpgradeRefusal | undefined;

export type HttpServiceParts = {
  /** What is at `/`, where WebSockets are served too (`relayRoute`). */
  readonly root: Route;
  /** What `/metrics` shows; without it there is no such path. */
  readonly metrics: MetricsText | undefined;
  readonly readiness: () => Readiness;
  /** Takes WebSockets at `/`. */
  readonly onUpgrade: UpgradeHandler;
  /** What the port serves besides, as git over smart HTTP; asked in order, after the built-in routes. */
  readonly routes: readonly Route[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly faults: Faults;
} & GateParts;

/** A listening TCP socket that somebody has opened for this process. */
export type InheritedSocket = { readonly descriptor: number };

/** The one port of the daemon. */
export type HttpService = AsyncDisposable & {
  /**
   * Serves the address, or the socket, and answers the address, with the actual port where 0 was asked for. Rejects with
   * `ListenError`, as when it is in use (`address_in_use`).
   */
  listen(at: BindAddress | InheritedSocket): Promise<BindAddress>;
  /**
   * Stops accepting and finishes the answers in hand; what takes longer than the limit is cut, WebSockets that are
   * still open too. Never rejects.
   */
  close(): Promise<void>;
  /** Ends the connections of addresses that are blocked by now. */
  endBlocked(): void;
};

/** Makes the service; it serves nothing before `listen`. */
export function createHttpService(parts: HttpServiceParts): HttpService {
  const routes = [
    parts.root,
    healthRoute(),
    readinessRoute(parts.readiness),
    iconRoute(),
    ...(parts.metrics === undefined ? [] : [metricsRoute(parts.metrics, parts.clock)]),
    ...parts.routes,
  ];
  const gate = new ConnectionGate(parts);
  const turns = new RequestTurns(parts.clock, turnOrder.of('clients'));
  const unread = new UnreadAnswers(parts.clock);
  return new NodeHttpService(parts, gate, requestListener({ ...parts, gate, turns, unread, routes }));
}

/** Bounds on what a client may take of our memory and time before it is even known what it asks for. */
const serverOptions: ServerOptions = {
  maxHeaderSize: limits.httpHeaderBytesMax,
  headersTimeout: limits.httpHeadersMsMax,
  requestTimeout: limits.httpRequestMsMax,
  keepAliveTimeout: limits.httpKeepAliveMs,
  connectionsCheckingInterval: limits.httpTimeCheckMs,
  // Checked where the answer gets its CORS headers.
  requireHostHeader: false,
};

type Exchange = { readonly request: IncomingMessage; readonly response: ServerResponse };

class NodeHttpService implements HttpService {
  readonly #parts: HttpServiceParts;
  readonly #listener: RequestListener;
  readonly #server: Server;
  readonly #gate: ConnectionGate;
  readonly #upgraded = new Set<Duplex>();
  /** Those whose request is read once more. */
  readonly #readAgain = new WeakSet<Duplex>();
  /** The answers of a connection that are not finished. */
  readonly #answers = new WeakMap<Duplex, Set<ServerResponse>>();
  /** The last request of a connection, with its answer. */
  readonly #last = new WeakMap<Duplex, Exchange>();
  #closing: Promise<void> | undefined;

  constructor(parts: HttpServiceParts, gate: ConnectionGate, listener: RequestListener) {
    this.#parts = parts;
    this.#listener = (request, response) => {
      // What comes in one piece is read in one turn of the event loop, however many requests it has.
      this.#last.set(request.socket, { request, response });
      if (!exceeds('httpPipelinedMax', this.#countAnswer(request.socket, response))) {
        listener(request, response);
        return;
      }
      // Not served, and counted for its address all the same.
      this.#gate.takeRequest(request);
      request.socket.destroy();
    };
    this.#gate = gate;
    this.#server = createServer(serverOptions, this.#listener);
    // One more than may be: Node leaves out what is beyond that, and says nothing of it.
    this.#server.maxHeadersCount = limits.httpHeadersMax + 1;
    this.#server.on('connection', (socket) => {
      if (!this.#readAgain.has(socket)) this.#own(socket, () => this.#gate.admit(socket));
    });
    this.#server.on('upgrade', (request, stream, head) =>
      this.#own(stream, () => this.#onUpgrade(request, stream, head)),
    );
    // An expectation that nobody here knows is ignored; Node would answer it without CORS headers.
    this.#server.on('checkExpectation', this.#listener);
    this.#server.on('clientError', (error, stream) =>
      this.#own(stream, () => onClientError(error, stream, this.#last.get(stream))),
    );
  }

  async listen(at: BindAddress | InheritedSocket): Promise<BindAddress> {
    const bound = deferred<void>();
    this.#server.once('error', bound.reject);
    const where = 'descriptor' in at ? { fd: at.descriptor } : { host: at.host, port: at.port };
    this.#server.listen(where, () => bound.resolve());
    try {
      await bound.promise;
    } catch (error) {
      throw listenError('descriptor' in at ? `of descriptor ${at.descriptor}` : formatBindAddress(at), error);
    } finally {
      this.#server.off('error', bound.reject);
    }
    this.#server.on('error', (error) => {
      this.#parts.logger.error({ reason: errorMessage(error) }, 'the HTTP server failed');
    });
    const address = this.#server.address() as AddressInfo;
    return { host: address.address, port: address.port };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  endBlocked(): void {
    this.#gate.endBlocked();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = deferred<void>();
    this.#server.close(() => closed.resolve());
    this.#server.closeIdleConnections();
    try {
      await withTimeLimit(this.#parts.clock, 'closing the port', limits.httpCloseMsMax, closed.promise);
    } catch {
      this.#parts.logger.info({}, 'connections are cut that did not end in time');
      this.#server.closeAllConnections();
      for (const stream of this.#upgraded) stream.destroy();
      await closed.promise;
    }
  }

  /** Counts an answer until it is finished; gives how many of the connection are not. */
  #countAnswer(socket: Duplex, response: ServerResponse): number {
    const answers = this.#answers.get(socket) ?? this.#answersOf(socket);
    answers.add(response);
    response.once('close', () => answers.delete(response));
    return answers.size;
  }

  /**
   * Begins to keep the answers of a connection. When it ends, Node says so to the one that is being sent; we say it to
   * those that wait behind that one, or what they hold would be held for good.
   */
  #answersOf(socket: Duplex): Set<ServerResponse> {
    const answers = new Set<ServerResponse>();
    this.#answers.set(socket, answers);
    socket.once('close', () => {
      for (const response of answers) {
        if (response.socket === null) this.#own(socket, () => response.destroy().emit('close'));
      }
    });
    return answers;
  }

  /** What fails on behalf of one connection ends that connection. */
  #own(stream: Duplex, task: () => void): void {
    this.#parts.faults.guard('request', () => stream.destroy(), task)();
  }

  #onUpgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const isWebSocket = request.headers.upgrade?.toLowerCase() === 'websocket';
    if (isWebSocket) this.#upgraded.add(stream);
    stream.once('close', () => this.#upgraded.delete(stream));
    stream.on('error', ignoreError);
    // Who did not wait for an answer would find it in the middle of another protocol.
    if ((this.#answers.get(stream)?.size ?? 0) > 0) stream.destroy();
    else if (!isWebSocket) this.#ignoreUpgrade(request, stream, head);
    else if (requestTarget(request)?.path !== '/') refuse(stream, 404, 'WebSockets are served at /');
    else {
      const refusal =
        this.#gate.takeUpgrade(request, stream) ??
        this.#parts.onUpgrade(request, stream, head, this.#gate.groupOf(request));
      if (refusal !== undefined) refuse(stream, refusal.status, refusal.reason, refusal.headers);
    }
  }

  /** HTTP lets a server ignore an upgrade that it does not offer (as h2c): the request is answered as it is. */
  #ignoreUpgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    this.#readAgain.add(stream);
    stream.unshift(withoutUpgrade(request, head));
    this.#server.emit('connection', stream as Socket);
  }
}

function refuse(stream: Duplex, status: number, reason: string, headers = {}): void {
  stream.end(rawAnswer(status, reason, headers), () => stream.destroy());
}

/** The socket closes by itself after an error; there is nobody left to tell. */
function ignoreError(): void {}

/** Answers what is no HTTP request, or one that is too long or too slow, and closes. */
function onClientError(error: Error & { code?: string }, stream: Duplex, last: Exchange | undefined): void {
  if (!stream.writable || error.code === 'ECONNRESET') {
    stream.destroy();
    return;
  }
  // A body that cannot be read, of a request that has its answer: a proxy would take a second one for that of the next.
  if (last !== undefined && !last.request.complete && last.response.headersSent) {
    stream.on('error', ignoreError);
    stream.end(() => stream.destroy());
    return;
  }
  const statuses: Readonly<Record<string, number>> = {
    HPE_HEADER_OVERFLOW: 431,
    ERR_HTTP_REQUEST_TIMEOUT: 408,
  };
  stream.on('error', ignoreError);
  refuse(stream, statuses[error.code ?? ''] ?? 400, 'the request could not be read');
}
