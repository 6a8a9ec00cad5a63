import {
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { PassThrough, pipeline, type Readable } from 'node:stream';
import { limits } from '../../config/limits.js';
import { userAgent } from '../../config/version.js';
import { withTimeLimit } from '../../lib/abort.js';
import { addressGroupOf } from '../../lib/budgets/address-group.js';
import type { Clock } from '../../lib/clock.js';
import { watchPieces } from '../../network/body-pieces.js';
import type { Route } from '../../network/route.js';
import type { FetchRequest } from '../remote.js';
import { errorOfStatus, FetchError, networkError } from './http-errors.js';

/** What is asked of a git server: with a body it is posted. */
type Question = {
  readonly path: string;
  readonly accept: string;
  readonly body?: Buffer;
  /** How long it may be until the answer begins. */
  readonly msMax: number;
};

/**
 * Asks one repository at a git server over one connection (gitprotocol-http). Where that leads is checked when it is made, by
 * the route; a redirect is no answer. What comes is counted, and has to come at a least rate, and not byte by byte.
 */
export class GitHttpClient implements Disposable {
  readonly #repository: URL;
  readonly #route: Route;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #isAwaited: () => boolean;
  readonly #isAt: (address: string) => boolean;
  readonly #agent: HttpAgent;
  #bytes = 0;
  #address: string | undefined;

  /**
   * `signal` ends whatever is under way; while `isAwaited` says that others wait, more has to come; `isAt` is told of where a
   * connection leads, and says whether it is to be used.
   */
  constructor(
    repository: URL,
    route: Route,
    { clock, isAwaited, isAt }: Pick<FetchRequest, 'isAwaited' | 'isAt'> & { readonly clock: Clock },
    signal: AbortSignal,
  ) {
    this.#repository = repository;
    this.#route = route;
    this.#clock = clock;
    this.#isAwaited = isAwaited;
    this.#isAt = isAt;
    this.#signal = signal;
    const settings = { keepAlive: true, maxSockets: 1 };
    this.#agent = repository.protocol === 'https:' ? new HttpsAgent(settings) : new HttpAgent(settings);
  }

  /** Bytes that were received. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Where the server was found, as the group of its address; `undefined` where a proxy makes the connections. */
  get address(): string | undefined {
    return this.#address;
  }

  /** What the server has, and which protocol it speaks. Rejects with `FetchError` and errors of the network. */
  async advertisement(): Promise<AsyncGenerator<Buffer>> {
    return await this.#ask({
      path: '/info/refs?service=git-upload-pack',
      accept: 'application/x-git-upload-pack-advertisement, */*',
      msMax: limits.gitAdvertisementMsMax,
    });
  }

  /** Asks for refs or for objects. Rejects as `advertisement`. */
  async uploadPack(body: Buffer): Promise<AsyncGenerator<Buffer>> {
    return await this.#ask({
      path: '/git-upload-pack',
      accept: 'application/x-git-upload-pack-result',
      body,
      msMax: limits.gitFetchSpanMs,
    });
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  async #ask(question: Question): Promise<AsyncGenerator<Buffer>> {
    this.#signal.throwIfAborted();
    const what = 'the answer of the server';
    const response = await withTimeLimit(
      this.#clock,
      what,
      question.msMax,
      this.#send(question),
      this.#signal,
    ).catch((error: unknown) => {
      this.#signal.throwIfAborted();
      throw networkError(error);
    });
    const { statusCode = 0, headers } = response;
    if (statusCode !== 200) {
      response.destroy();
      throw errorOfStatus(statusCode, headers['retry-after']);
    }
    if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
      response.destroy();
      throw new FetchError('invalid', 'it compresses its answer, though it was asked not to');
    }
    return this.#read(response, bodyOf(response));
  }

  #send({ path, accept, body }: Question): Promise<IncomingMessage> {
    const { protocol } = this.#repository;
    const options: RequestOptions = {
      agent: this.#agent,
      ...this.#route,
      method: body === undefined ? 'GET' : 'POST',
      signal: this.#signal,
      headers: {
        Accept: accept,
        'Accept-Encoding': 'identity',
        'User-Agent': `git/2 ${userAgent}`,
        'Git-Protocol': 'version=2',
        ...(body === undefined
          ? {}
          : { 'Content-Type': 'application/x-git-upload-pack-request', 'Content-Length': body.length }),
      },
    };
    const url = new URL(this.#repository.href + path);
    return new Promise((resolve, reject) => {
      const request = protocol === 'https:' ? httpsRequest(url, options) : httpRequest(url, options);
      request.once('socket', (socket) => this.#whenConnected(socket, () => request.destroy(crowded())));
      request.on('response', resolve).on('error', reject).end(body);
    });
  }

  /** Leaves a connection that leads where it is not to be used. Of one that a proxy has made nothing is known. */
  #whenConnected(socket: Socket, leave: () => void): void {
    if (!socket.connecting) return;
    socket.once('connect', () => {
      const { remoteAddress } = socket;
      if (remoteAddress === undefined) return;
      this.#address = addressGroupOf(remoteAddress);
      if (!this.#isAt(this.#address)) leave();
    });
  }

  async *#read(response: IncomingMessage, body: Readable): AsyncGenerator<Buffer> {
    using _ = this.#watch(response, body);
    const pieces = (body as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await pieces.next().catch((error: unknown) => {
          this.#signal.throwIfAborted();
          throw networkError(error);
        });
        if (next.done === true) return;
        this.#bytes += next.value.length;
        yield next.value;
      }
    } finally {
      response.destroy();
      body.destroy();
    }
  }

  /** Ends an answer of which too little comes: a byte now and then would hold a place for hours. */
  #watch(response: IncomingMessage, body: Readable): Disposable {
    let before = this.#bytes;
    let cancel = () => {};
    const look = () => {
      // What is here and was not read yet is no fault of the server.
      const isWaitedFor = response.readableLength + body.readableLength === 0;
      const { gitAwaitedFetchSpanBytesMin, gitFetchSpanBytesMin } = limits;
      const bytesMin = this.#isAwaited() ? gitAwaitedFetchSpanBytesMin : gitFetchSpanBytesMin;
      if (isWaitedFor && this.#bytes - before < bytesMin) {
        response.destroy(new FetchError('slow', 'it sends too slowly'));
        return;
      }
      before = this.#bytes;
      cancel = this.#clock.after(limits.gitFetchSpanMs, look);
    };
    cancel = this.#clock.after(limits.gitFetchSpanMs, look);
    return { [Symbol.dispose]: () => cancel() };
  }
}

function crowded(): FetchError {
  return new FetchError('crowded', 'as much as may be is fetched from its address');
}

/** The body of an answer. One in thousands of small pieces is ended here, where it flows: they are many before any is read. */
function bodyOf(response: IncomingMessage): Readable {
  const body = new PassThrough();
  // Its reader learns of errors by reading.
  body.on('error', () => {});
  watchPieces(response, () => {
    response.destroy(new FetchError('invalid', 'it sends in too many small pieces'));
  });
  pipeline(response, body, () => {});
  return body;
}
