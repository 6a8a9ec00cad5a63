import { Writable } from 'node:stream';
import { beforeEach, expect, it } from 'vitest';
import { BlockPool } from '../../src/relay/block-pool.js';
import { eventFrame, eventPrefix } from '../../src/relay/frames.js';
import { SendBuffer } from '../../src/relay/send-buffer.js';
import { TurnEnd } from '../../src/relay/turn-end.js';

const prefix = eventPrefix('s');
const turn = () => new Promise((resolve) => setImmediate(resolve));
/** Different bytes, so that what is out of order shows. */
const frameOf = (bytes: number) => Buffer.from(Array.from({ length: bytes }, (_, at) => at % 251));

let chunks: Buffer[];
let leave: (() => void)[];
let stream: Writable;
let sent: number;
let blocks: BlockPool;
let turnEnd: TurnEnd;
let buffer: SendBuffer;

beforeEach(() => {
  chunks = [];
  leave = [];
  sent = 0;
  // Keeps what it is given, as a socket does whose client does not read.
  stream = new Writable({
    highWaterMark: 1 << 20,
    write(chunk: Buffer, _, done) {
      chunks.push(chunk);
      leave.push(done);
    },
  });
  blocks = new BlockPool();
  turnEnd = new TurnEnd();
  buffer = new SendBuffer(stream, { turnEnd, blocks }, () => {
    sent += 1;
  });
});

it('writes what comes in a turn at once, and one frame alone as it is', async () => {
  const frames = [frameOf(10), frameOf(20), frameOf(30)];
  for (const frame of frames) buffer.push(frame);
  expect(buffer.bytes).toBe(60);
  await turn();
  expect(buffer.bytes).toBe(0);
  expect(chunks).toEqual([Buffer.concat(frames)]);
  leave[0]?.();
  const alone = frameOf(40);
  buffer.push(alone);
  await turn();
  expect(chunks[1]).toBe(alone);
  leave[1]?.();
  await turn();
  expect(sent).toBe(2);
});

it('keeps the order of shared frames, events of one client, and what is longer than a block', async () => {
  const small = Buffer.from(JSON.stringify('x'.repeat(1_000)));
  const long = Buffer.from(JSON.stringify('y'.repeat(70_000)));
  const wanted: Buffer[] = [];
  const push = (frame: Buffer) => {
    wanted.push(frame);
    buffer.push(frame);
  };
  const pushEvent = (json: Buffer) => {
    wanted.push(eventFrame(prefix, json));
    buffer.pushEvent(prefix, json);
  };
  push(frameOf(300));
  for (let count = 0; count < 100; count += 1) pushEvent(small);
  pushEvent(long);
  push(frameOf(200));
  push(frameOf(66_000));
  pushEvent(small);
  push(frameOf(65_536));
  push(frameOf(100));
  for (let at = 0; at < 9; at += 1) {
    await turn();
    leave[at]?.();
  }
  expect(Buffer.concat(chunks).equals(Buffer.concat(wanted))).toBe(true);
  expect(sent).toBe(chunks.length);
  expect(chunks.length).toBeLessThan(10);
});

it('uses a block again only when what it held has left', async () => {
  const send = async () => {
    buffer.pushEvent(prefix, Buffer.from('{}'));
    await turn();
  };
  await send();
  const first = chunks[0]?.buffer;
  const spare = blocks.take();
  expect(spare.buffer).not.toBe(first);
  leave[0]?.();
  await turn();
  expect(blocks.take().buffer).toBe(first);
});

it('writes nothing once the stream has ended, and gives the block back', async () => {
  stream.end();
  buffer.push(frameOf(1));
  buffer.pushEvent(prefix, Buffer.from('{}'));
  buffer.push(frameOf(2));
  await turn();
  expect(buffer.bytes).toBe(0);
  expect(chunks).toEqual([]);
  buffer.push(frameOf(1));
  await turn();
  expect(chunks).toEqual([]);
});

it('does all work of a turn in one tick, and what it brings in another', async () => {
  const done: string[] = [];
  turnEnd.push(() => {
    done.push('first');
    turnEnd.push(() => done.push('third'));
  });
  turnEnd.push(() => done.push('second'));
  expect(done).toEqual([]);
  await turn();
  expect(done).toEqual(['first', 'second', 'third']);
});
