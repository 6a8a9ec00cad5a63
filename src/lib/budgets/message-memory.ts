import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Reservation } from './memory-budget.js';

/** The memory of something on a socket, and what to do where there is no room for more. */
export type SocketMemory = { readonly held: Reservation; readonly giveWay: () => void };

/** What a piece takes beside its bytes, and how much of a message is not counted. */
export type PieceMemory = { readonly pieceBytes: number; readonly freeBytes: number };

/**
 * Counts what `ws` holds of a message that has not come whole yet: the pieces that were read, each of which takes memory
 * beside its bytes. To be called when `ws` listens to the stream already, so that it has looked at a piece before.
 * `own` makes a callback one whose faults are somebody's.
 */
export function watchMessageMemory(
  socket: WebSocket,
  stream: Duplex,
  { held, giveWay }: SocketMemory,
  own: (callback: (piece: Buffer) => void) => (piece: Buffer) => void,
  { pieceBytes, freeBytes }: PieceMemory,
): void {
  let hasEnded = false;
  let bytes = 0;
  const onEnd = () => {
    hasEnded = true;
  };
  for (const type of ['message', 'ping', 'pong'] as const) socket.on(type, onEnd);
  const count = (piece: Buffer) => {
    // The end of a message and the beginning of the next may be in one piece.
    if (hasEnded) bytes = 0;
    hasEnded = false;
    bytes += piece.length + pieceBytes;
    if (!held.resize(Math.max(0, bytes - freeBytes))) giveWay();
  };
  stream.on('data', own(count));
}
