import { type IncomingMessage, request } from 'node:http';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { deferred } from '../lib/abort.js';
import { errorCode, errorMessage } from '../lib/errors.js';
import { ControlError } from './control-socket.js';

/** What a running daemon is asked. */
export type ControlRequest = {
  readonly path: string;
  /** Sent as JSON; without one it is only asked. */
  readonly body?: unknown;
};

/**
 * The values that a daemon answers, as they come. Rejects with `ControlError`: `no_daemon` where none runs,
 * `control_refused` where what it is asked makes no sense to it, `control_busy` where it can do it later, `control_failed` where
 * it cannot do it.
 */
export async function* askDaemon(
  socketPath: string,
  { path, body }: ControlRequest,
  signal: AbortSignal,
): AsyncGenerator<unknown> {
  yield* valuesOf(await send(socketPath, path, body, signal), signal);
}

/**
 * Sends a stream to a daemon, no faster than it reads that and nothing where it refuses; gives the values that it answers
 * meanwhile. Who has seen enough need not send the rest. Rejects as `askDaemon`, and with what reading the stream throws.
 */
export async function* sendToDaemon(
  socketPath: string,
  path: string,
  stream: Readable,
  signal: AbortSignal,
): AsyncGenerator<unknown> {
  const { promise, resolve, reject } = deferred<IncomingMessage>();
  const headers = { expect: '100-continue' };
  const sent = request({ socketPath, path, method: 'POST', headers, signal }, resolve);
  sent.on('error', reject);
  let unreadable: unknown;
  const pieces = async function* (): AsyncGenerator<unknown> {
    try {
      yield* stream;
    } catch (error) {
      unreadable = error;
      throw error;
    }
  };
  // What goes wrong with it ends the answer, too.
  sent.once('continue', () => void pipeline(pieces, sent).catch(() => {}));
  sent.flushHeaders();
  try {
    yield* valuesOf(await answerOf(socketPath, promise, signal), signal);
  } catch (error) {
    signal.throwIfAborted();
    throw unreadable ?? error;
  } finally {
    sent.destroy();
    stream.destroy();
  }
}

async function* valuesOf(response: IncomingMessage, signal: AbortSignal): AsyncGenerator<unknown> {
  try {
    for await (const line of createInterface({ input: response })) {
      const value: unknown = JSON.parse(line);
      if (response.statusCode !== 200) throw refusalOf(response, value);
      yield value;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof ControlError ? error : daemonGone(error);
  } finally {
    // Who has seen enough does not read on.
    response.destroy();
  }
  if (!response.complete) throw daemonGone();
}

/**
 * The bytes that a daemon answers, as they come. Rejects as `askDaemon`, also when the answer breaks off.
 */
export async function* askDaemonForBytes(
  socketPath: string,
  { path, body }: ControlRequest,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const response = await send(socketPath, path, body, signal);
  try {
    if (response.statusCode !== 200) {
      const value: unknown = JSON.parse(await text(response));
      throw refusalOf(response, value);
    }
    yield* response as AsyncIterable<Uint8Array>;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ControlError) throw error;
    throw new ControlError('daemon_gone', 'the answer of the daemon broke off; its log says why', error);
  } finally {
    response.destroy();
  }
}

const daemonGone = (cause?: unknown): ControlError =>
  new ControlError('daemon_gone', 'the daemon ended before it had answered', cause);

async function send(
  socketPath: string,
  path: string,
  body: unknown,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = deferred<IncomingMessage>();
  const method = body === undefined ? 'GET' : 'POST';
  const sent = request({ socketPath, path, method, signal }, resolve);
  sent.once('error', reject);
  sent.end(body === undefined ? undefined : JSON.stringify(body));
  return await answerOf(socketPath, promise, signal);
}

async function answerOf(
  socketPath: string,
  answer: Promise<IncomingMessage>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  try {
    return await answer;
  } catch (error) {
    signal.throwIfAborted();
    throw unreachable(socketPath, error);
  }
}

function unreachable(socketPath: string, error: unknown): ControlError {
  const code = errorCode(error);
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    return new ControlError(
      'no_daemon',
      `no daemon runs with this data folder (${socketPath}); give the settings that it was started with`,
      error,
    );
  }
  if (code === 'EACCES') {
    return new ControlError(
      'control_forbidden',
      `${socketPath} may be used by who started the daemon only`,
      error,
    );
  }
  return new ControlError('control_failed', `the daemon cannot be asked: ${errorMessage(error)}`, error);
}

function refusalOf({ statusCode = 0 }: IncomingMessage, value: unknown): ControlError {
  const code = statusCode === 503 ? 'control_busy' : statusCode < 500 ? 'control_refused' : 'control_failed';
  return new ControlError(code, refusalIn(value));
}

function refusalIn(value: unknown): string {
  const isRefusal = typeof value === 'object' && value !== null && 'error' in value;
  return isRefusal ? String(value.error) : 'the daemon refused';
}
