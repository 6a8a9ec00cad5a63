import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { limits } from '../config/limits.js';
import type { SendMemory } from './send-buffer.js';

/**
 * Counts what `ws` holds of a message that has not come whole yet: the pieces that were read, each of which takes memory
 * beside its bytes. To be called when `ws` listens to the stream already, so that it has looked at a piece before.
 * `own` makes a callback one whose faults are somebody's.
 */
export function watchMessageMemory(
  socket: WebSocket,
  stream: Duplex,
  { held, giveWay }: SendMemory,
  own: (callback: (piece: Buffer) => void) => (piece: Buffer) => void,
): void {
  let hasEnded = false;
  const onEnd = () => {
    hasEnded = true;
  };
  for (const type of ['message', 'ping', 'pong'] as const) socket.on(type, onEnd);
  const count = (piece: Buffer) => {
    // The end of a message and the beginning of the next may be in one piece.
    const before = hasEnded ? 0 : held.bytes;
    hasEnded = false;
    if (!held.resize(before + piece.length + limits.socketChunkBytes)) giveWay();
  };
  stream.on('data', own(count));
}
