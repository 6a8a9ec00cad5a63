import { chmod, mkdir, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import { exceeds } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import { deferred } from '../lib/abort.js';
import type { Clock } from '../lib/clock.js';
import { errorMessage, GraspError } from '../lib/errors.js';

/** One thing that the daemon can be asked, or told to do. */
export type ControlRoute = {
  /** Changes nothing. */
  readonly method: 'GET' | 'POST';
  /** As `/status`. */
  readonly path: string;
} & (
  | {
      /**
       * Answers with JSON: one value, or one a line. `body` is what was sent, as JSON. Rejects with `BadControlRequest` for
       * what makes no sense, and with `BusyControl` for what cannot be done now. The signal aborts when nobody waits for it
       * any more.
       */
      answer(body: unknown, signal: AbortSignal): Promise<unknown> | AsyncIterable<unknown>;
    }
  | {
      /**
       * Takes what is sent as it comes, no faster than it reads that, and answers with JSON, one value a line. The first value
       * has the sender begin, and comes before anything is read. Rejects as `answer`.
       */
      take(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncIterable<unknown>;
    }
  | {
      /** Answers with bytes, until the signal aborts. Rejects as `answer`. */
      bytes(body: unknown, signal: AbortSignal): AsyncGenerator<Uint8Array>;
    }
);

/** What was asked makes no sense; the message is for the operator. */
export class BadControlRequest extends GraspError {
  constructor(message: string) {
    super('bad_control_request', message);
  }
}

/** What was asked makes sense, but not now; the message is for the operator. */
export class BusyControl extends GraspError {
  constructor(message: string) {
    super('control_busy', message);
  }
}

/** Serves the operator's commands over HTTP on a Unix socket. */
export class ControlServer implements AsyncDisposable {
  readonly #routes: readonly ControlRoute[];
  readonly #onFault: (error: unknown) => void;
  readonly #clock: Clock;
  readonly #server: Server;
  readonly #serving = new Set<Promise<void>>();

  constructor(routes: readonly ControlRoute[], clock: Clock, onFault: (error: unknown) => void) {
    this.#routes = routes;
    this.#clock = clock;
    this.#onFault = onFault;
    const serve = (request: IncomingMessage, response: ServerResponse): void => {
      const serving = this.#serve(request, response)
        .catch((error: unknown) => {
          this.#onFault(error);
          response.destroy();
        })
        .finally(() => this.#serving.delete(serving));
      this.#serving.add(serving);
    };
    // An import takes its time; every other body has a limit of its own.
    this.#server = createServer({ requestTimeout: 0 }, serve);
    // Who asks first whether to send learns so before (`100 Continue`).
    this.#server.on('checkContinue', serve);
  }

  /** Only the daemon that has the store open may call this: a socket that is there was left by one that was killed. */
  async listen(path: string): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    await rm(path, { force: true });
    const { promise, resolve, reject } = deferred<void>();
    this.#server.once('error', reject);
    this.#server.listen(path, () => resolve());
    await promise;
    await chmod(path, 0o600);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    const closed = deferred<void>();
    this.#server.close(() => closed.resolve());
    this.#server.closeAllConnections();
    await closed.promise;
    // Whoever answers lets go of what it holds before its parts are taken away.
    await Promise.all(this.#serving);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const at = this.#routes.filter(({ path }) => path === request.url);
    const route = at.find(({ method }) => method === request.method);
    if (route === undefined) {
      await finish(response, at.length === 0 ? 404 : 405, { error: 'this daemon does not know that' });
      return;
    }
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      if ('take' in route) {
        const pieces = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
        const values = route.take(pieces, gone.signal);
        await this.#sendLines(response, values, () => continued(request, response));
        return;
      }
      const body = route.method === 'POST' ? await this.#bodyOf(request, response) : undefined;
      if ('bytes' in route) {
        await this.#sendBytes(response, route.bytes(body, gone.signal));
        return;
      }
      const answer = route.answer(body, gone.signal);
      if (Symbol.asyncIterator in answer) await this.#sendLines(response, answer);
      else await finish(response, 200, await answer);
    } catch (error) {
      if (gone.signal.aborted) return;
      const status = statusOf(error);
      if (status === 500) this.#onFault(error);
      if (response.headersSent) response.destroy();
      else await finish(response, status, { error: errorMessage(error) });
    }
  }

  /** The body as JSON; one that is too large, or does not come to its end, ends the request. */
  async #bodyOf(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    continued(request, response);
    let bytes = 0;
    request.on('data', (piece: Buffer) => {
      bytes += piece.length;
      if (exceeds('controlBodyBytesMax', bytes)) request.destroy();
    });
    const cancel = this.#clock.after(limits.controlStalledMsMax, () => request.destroy());
    const said = await text(request).finally(cancel);
    try {
      return JSON.parse(said);
    } catch {
      throw new BadControlRequest('the request is no JSON');
    }
  }

  /** One line a value, no faster than they are read. */
  async #sendLines(
    response: ServerResponse,
    values: AsyncIterable<unknown>,
    onFirst: () => void = () => {},
  ): Promise<void> {
    const iterator = values[Symbol.asyncIterator]();
    try {
      // What makes no sense is found out before the answer begins.
      let next = await iterator.next();
      onFirst();
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      for (; next.done !== true; next = await iterator.next())
        if (!(await this.#write(response, `${JSON.stringify(next.value)}\n`))) return;
      response.end();
    } finally {
      await iterator.return?.();
    }
  }

  /** No faster than they are read. An answer that breaks is not ended, so that nobody takes it for whole. */
  async #sendBytes(response: ServerResponse, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const piece of bytes) {
      if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/octet-stream' });
      if (!(await this.#write(response, piece))) return;
    }
    response.end();
  }

  /** Whether the reader is still there; one that reads nothing for too long is let go. */
  async #write(response: ServerResponse, piece: string | Uint8Array): Promise<boolean> {
    if (response.destroyed) return false;
    if (response.write(piece)) return true;
    const { promise, resolve } = deferred<void>();
    response.once('drain', resolve);
    response.once('close', resolve);
    const cancel = this.#clock.after(limits.controlStalledMsMax, () => response.destroy());
    await promise;
    cancel();
    response.off('drain', resolve);
    response.off('close', resolve);
    return !response.destroyed;
  }
}

/** Lets the body come where whoever sends it waits for that. */
function continued(request: IncomingMessage, response: ServerResponse): void {
  if (request.headers.expect !== undefined) response.writeContinue();
}

function statusOf(error: unknown): number {
  if (error instanceof BadControlRequest) return 400;
  return error instanceof BusyControl ? 503 : 500;
}

async function finish(response: ServerResponse, status: number, value: unknown): Promise<void> {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(value)}\n`);
}
