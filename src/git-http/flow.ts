import type { Readable, Writable } from 'node:stream';

/**
 * Writes a chunk and waits while the target has enough. Resolves also when the target closes; `destroyed` tells.
 */
export async function write(target: Writable, chunk: Uint8Array): Promise<void> {
  if (target.destroyed || target.write(chunk)) return;
  await new Promise<void>((resolve) => {
    const go = () => {
      target.off('drain', go);
      target.off('close', go);
      resolve();
    };
    target.on('drain', go);
    target.on('close', go);
    if (target.destroyed) go();
  });
}

/**
 * Gives git the body, and reads the rest of it when git has stopped reading: whoever sends it is answered then. Rejects
 * with what the body fails with.
 */
export async function feed(body: Readable, input: Writable): Promise<void> {
  for await (const chunk of body) await write(input, chunk as Buffer);
  if (!input.destroyed) input.end();
}

/** Sends all of a stream as it comes; `onChunk` is told of each chunk before. Rejects with what the stream fails with. */
export async function send(
  output: Readable,
  target: Writable,
  onChunk: (chunk: Buffer) => void,
): Promise<void> {
  for await (const chunk of output) {
    onChunk(chunk as Buffer);
    await write(target, chunk as Buffer);
    if (target.destroyed) return;
  }
}
