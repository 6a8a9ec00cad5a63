import type { Readable } from 'node:stream';
import { exceeds } from '../config/limit-use.js';
import { limits } from '../config/limits.js';

/**
 * Counts the pieces in which the body of a request, or of an answer, comes while it flows to whoever reads it. `onTooMany` is told once, when they are many
 * and there is little in them: each costs as much as kilobytes do, in time and in memory, and of 64 kB that are read at once
 * ten thousand can be made. The result ends the counting.
 */
export function watchPieces(message: Readable, onTooMany: () => void): () => void {
  let pieces = 0;
  let bytes = 0;
  const count = (piece: Buffer) => {
    pieces += 1;
    bytes += piece.length;
    if (bytes >= pieces * limits.httpBodyPieceBytesMin || !exceeds('httpBodyPiecesMax', pieces)) return;
    stop();
    onTooMany();
  };
  const stop = () => {
    message.off('data', count);
  };
  message.on('data', count);
  return stop;
}
