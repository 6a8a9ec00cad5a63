import { chmod, mkdir, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import { limits } from '../config/limits.js';
import { deferred } from '../lib/abort.js';
import { errorMessage, GraspError } from '../lib/errors.js';

/** One thing that the daemon can be asked, or told to do. */
export type ControlRoute = {
  /** Changes nothing. */
  readonly method: 'GET' | 'POST';
  /** As `/status`. */
  readonly path: string;
  /**
   * Answers with JSON: one value, or one a line. `body` is what was sent, as JSON. Rejects with `BadControlRequest` for what
   * makes no sense.
   */
  answer(body: unknown): Promise<unknown> | AsyncIterable<unknown>;
};

/** What was asked makes no sense; the message is for the operator. */
export class BadControlRequest extends GraspError {
  constructor(message: string) {
    super('bad_control_request', message);
  }
}

/** Serves the operator's commands over HTTP on a Unix socket. */
export class ControlServer implements AsyncDisposable {
  readonly #routes: readonly ControlRoute[];
  readonly #onFault: (error: unknown) => void;
  readonly #server: Server;

  constructor(routes: readonly ControlRoute[], onFault: (error: unknown) => void) {
    this.#routes = routes;
    this.#onFault = onFault;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        this.#onFault(error);
        response.destroy();
      });
    });
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
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const at = this.#routes.filter(({ path }) => path === request.url);
    const route = at.find(({ method }) => method === request.method);
    if (route === undefined) {
      await finish(response, at.length === 0 ? 404 : 405, { error: 'this daemon does not know that' });
      return;
    }
    try {
      const body = route.method === 'POST' ? await bodyOf(request) : undefined;
      const answer = route.answer(body);
      if (Symbol.asyncIterator in answer) await stream(response, answer);
      else await finish(response, 200, await answer);
    } catch (error) {
      if (!(error instanceof BadControlRequest)) this.#onFault(error);
      if (response.headersSent) response.destroy();
      else
        await finish(response, error instanceof BadControlRequest ? 400 : 500, {
          error: errorMessage(error),
        });
    }
  }
}

/** A body that is too large ends the request. */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let bytes = 0;
  request.on('data', (piece: Buffer) => {
    bytes += piece.length;
    if (bytes > limits.controlBodyBytesMax) request.destroy();
  });
  const said = await text(request);
  try {
    return JSON.parse(said);
  } catch {
    throw new BadControlRequest('the request is no JSON');
  }
}

async function finish(response: ServerResponse, status: number, value: unknown): Promise<void> {
  response.writeHead(status, { 'content-type': 'application/json' });
  await writeTo(response, `${JSON.stringify(value)}\n`);
  response.end();
}

/** One line a value, no faster than they are read. */
async function stream(response: ServerResponse, values: AsyncIterable<unknown>): Promise<void> {
  const iterator = values[Symbol.asyncIterator]();
  try {
    // What makes no sense is found out before the answer begins.
    let next = await iterator.next();
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    for (; next.done !== true; next = await iterator.next())
      if (!(await writeTo(response, `${JSON.stringify(next.value)}\n`))) return;
    response.end();
  } finally {
    await iterator.return?.();
  }
}

/** Whether the reader is still there. */
async function writeTo(response: ServerResponse, piece: string): Promise<boolean> {
  if (response.destroyed) return false;
  if (response.write(piece)) return true;
  const { promise, resolve } = deferred<void>();
  response.once('drain', resolve);
  response.once('close', resolve);
  await promise;
  response.off('drain', resolve);
  response.off('close', resolve);
  return !response.destroyed;
}
