import type { Readable, Writable } from 'node:stream';
import { exceeds } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import type { Clock } from '../lib/clock.js';

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

/** Watches how fast a stream is read. */
export type ReaderWatch = {
  readonly clock: Pick<Clock, 'after'>;
  /** Whether a reader that took so many bytes in `gitBodySpanMs`, while more were there for it, has to give way to others. */
  readonly givesWay: (bytes: number) => boolean;
};

/**
 * Sends all of a stream as it comes, without an await for each chunk: this is what large clones spend their time with. Some
 * chunks may wait to be sent while others are read. `onChunk` is told of each before. Resolves at the end of the stream, or
 * when the target closes, as it does for a reader that has to give way; rejects when the stream breaks.
 */
export async function send(
  output: Readable,
  target: Writable,
  watch: ReaderWatch,
  onChunk: (chunk: Buffer) => void = () => {},
): Promise<void> {
  let given = 0;
  const take = (chunk: Buffer) => {
    onChunk(chunk);
    given += chunk.length;
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
  const cancel = watchReader(target, watch, () => given);
  target.on('drain', goOn);
  target.on('close', stop);
  if (target.destroyed) stop();
  else output.on('data', take);
  try {
    await ended;
  } finally {
    cancel();
    output.off('data', take);
    target.off('drain', goOn);
    target.off('close', stop);
  }
}

/** Looks at each span how much of what was given left for the reader; ends the target where that has to give way. */
function watchReader(target: Writable, { clock, givesWay }: ReaderWatch, given: () => number): () => void {
  let before = { taken: 0, waits: 0 };
  let cancel = () => {};
  const look = () => {
    const waits = target.writableLength;
    const taken = given() - waits;
    // Where nothing waits, git is what is slow, and not the reader.
    if (before.waits > 0 && waits > 0 && givesWay(taken - before.taken)) {
      target.destroy();
      return;
    }
    before = { taken, waits };
    cancel = clock.after(limits.gitBodySpanMs, look);
  };
  cancel = clock.after(limits.gitBodySpanMs, look);
  return () => cancel();
}
