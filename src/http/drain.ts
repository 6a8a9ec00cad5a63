import type { IncomingMessage } from 'node:http';
import { exceeds } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import type { Clock } from '../lib/clock.js';
import { watchPieces } from '../network/body-pieces.js';

/** Whether a body comes with the request. */
export function hasBody({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/**
 * Reads what is left of the body of a request that was answered already, so that the answer reaches a client or proxy that
 * first sends everything; closing at once would take the answer along. Bounded in bytes, pieces and time; `onTooManyPieces` is
 * told where it is the pieces that end it.
 */
export function drain(
  message: IncomingMessage,
  clock: Pick<Clock, 'after'>,
  onTooManyPieces: () => void,
): void {
  if (message.complete || !hasBody(message)) return;
  const close = () => message.socket.destroy();
  const cancel = clock.after(limits.httpDrainMsMax, close);
  let bytes = 0;
  message.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (exceeds('httpDrainBytesMax', bytes)) close();
  });
  watchPieces(message, () => {
    onTooManyPieces();
    close();
  });
  message.once('close', cancel);
  message.resume();
}
