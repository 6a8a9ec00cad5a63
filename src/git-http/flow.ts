import type { Readable, Writable } from 'node:stream';
import { exceeds } from '../config/limit-use.js';

/**
 * Gives git the body, and reads the rest of it when git has stopped reading: whoever sends it is answered then. Rejects
 * with what the body fails with.
 */
export async function feed(body: Readable, input: Writable): Promise<void> {
  for await (const chunk of body) await write(input, chunk as Buffer);
  if (!input.destroyed) input.end();
}

/** Writes a chunk and waits while the target has enough. Resolves also when the target closes. */
async function write(target: Writable, chunk: Buffer): Promise<void> {
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
 * Sends all of a stream as it comes, without an await for each chunk: this is what large clones spend their time with. Some
 * chunks may wait to be sent while others are read. `onChunk` is told of each before. Resolves at the end of the stream, or
 * when the target closes; rejects when the stream breaks.
 */
export async function send(output: Readable, target: Writable, onChunk: () => void): Promise<void> {
  const take = (chunk: Buffer) => {
    onChunk();
    target.write(chunk);
    if (exceeds('gitSendBytesHigh', target.writableLength)) output.pause();
  };
  const goOn = () => output.resume();
  let stop = () => {};
  const ended = new Promise<void>((resolve, reject) => {
    stop = resolve;
    output.once('end', resolve);
    output.once('close', () => reject(new Error('the stream broke off')));
    if (output.destroyed && !output.readableEnded) reject(new Error('the stream broke off'));
  });
  target.on('drain', goOn);
  target.on('close', stop);
  if (target.destroyed) stop();
  else output.on('data', take);
  try {
    await ended;
  } finally {
    output.off('data', take);
    target.off('drain', goOn);
    target.off('close', stop);
  }
}
