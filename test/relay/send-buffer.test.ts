import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Writable } from 'node:stream';
import { beforeEach, expect, it, vi } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { MemoryBudget } from '../../src/lib/budgets/memory-budget.js';
import type { SocketMemory } from '../../src/lib/budgets/message-memory.js';
import { BlockPool } from '../../src/relay/frames/block-pool.js';
import { eventFrame, eventPrefix } from '../../src/relay/frames/frames.js';
import { NextTickQueue } from '../../src/relay/frames/next-tick-queue.js';
import { SendBuffer } from '../../src/relay/frames/send-buffer.js';

const prefix = eventPrefix('s');
const turn = () => new Promise((resolve) => setImmediate(resolve));
/** Different bytes, so that what is out of order shows. */
const frameOf = (bytes: number) => Buffer.from(Array.from({ length: bytes }, (_, at) => at % 251));

let chunks: Buffer[];
let leave: (() => void)[];
let stream: Writable;
let sent: number;
let blocks: BlockPool;
let nextTick: NextTickQueue;
let memory: SocketMemory;
let buffer: SendBuffer;

/** What it throws fails the test. */
const unowned = (callback: () => void) => callback;

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
  nextTick = new NextTickQueue();
  const budget = new MemoryBudget({ totalBytes: 1e8, groupBytes: 1e8, holderBytes: 1e8 });
  const holder = budget.holder(undefined, () => {});
  memory = { held: holder.open(), giveWay: () => holder.drop() };
  buffer = new SendBuffer(
    stream,
    { nextTick, blocks },
    memory,
    () => {
      sent += 1;
    },
    unowned,
  );
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

/** The blocks that were taken and not given back; fails for one that is given back twice. */
function watchBlocks(): Set<Buffer> {
  const out = new Set<Buffer>();
  const take = blocks.take.bind(blocks);
  const give = blocks.give.bind(blocks);
  blocks.take = () => {
    const block = take();
    out.add(block);
    return block;
  };
  blocks.give = (block) => {
    expect(out.delete(block)).toBe(true);
    give(block);
  };
  return out;
}

it('uses a block again only when what it held has left', async () => {
  const out = watchBlocks();
  buffer.pushEvent(prefix, Buffer.from('{}'));
  await turn();
  expect([...out].map((block) => block.buffer)).toEqual([chunks[0]?.buffer]);
  leave[0]?.();
  await turn();
  expect(out.size).toBe(0);
  expect(blocks.take().buffer).toBe(chunks[0]?.buffer);
});

it('holds what is counted and one block for a client that does not read', async () => {
  const out = watchBlocks();
  const written = vi.spyOn(stream, 'write');
  const json = Buffer.from(JSON.stringify('x'.repeat(300)));
  for (let count = 0; count < 100; count += 1) {
    buffer.pushEvent(prefix, json);
    if (count % 3 === 0) buffer.push(frameOf(50));
    await turn();
    // From the shared memory of small buffers.
    buffer.push(frameOf(70));
    await turn();
  }
  const memory = new Set(written.mock.calls.map(([chunk]) => (chunk as Buffer).buffer));
  const held = [...memory].reduce((sum, { byteLength }) => sum + byteLength, 0);
  expect(held).toBeLessThanOrEqual(stream.writableLength + limits.sendBlockBytes);
  expect(out.size).toBe(1);
});

it('takes one block for all to whom a turn fans out, where their bytes leave at once', async () => {
  const shared = [frameOf(100), frameOf(200)];
  const taken = vi.spyOn(blocks, 'take');
  const out = watchBlocks();
  const received: Buffer[] = [];
  const clients = Array.from({ length: 500 }, () => {
    const open = new Writable({
      write(chunk: Buffer, _, done) {
        received.push(Buffer.from(chunk));
        done();
      },
    });
    return new SendBuffer(open, { nextTick, blocks }, memory, () => {}, unowned);
  });
  for (const frame of shared) for (const client of clients) client.push(frame);
  expect(out.size).toBe(0);
  await turn();
  expect(received).toEqual(clients.map(() => Buffer.concat(shared)));
  expect(new Set(taken.mock.results.map(({ value }) => value)).size).toBe(1);
  expect(out.size).toBe(0);
});

it('writes nothing once the stream has ended, and gives the block back', async () => {
  const out = watchBlocks();
  stream.end();
  buffer.push(frameOf(1));
  buffer.pushEvent(prefix, Buffer.from('{}'));
  buffer.push(frameOf(2));
  expect(out.size).toBe(1);
  await turn();
  expect(out.size).toBe(0);
  expect(buffer.bytes).toBe(0);
  buffer.push(frameOf(1));
  await turn();
  expect(buffer.bytes).toBe(0);
  expect(chunks).toEqual([]);
});

it('gives the block back once when the stream is destroyed under a write', async () => {
  const out = watchBlocks();
  buffer.pushEvent(prefix, Buffer.from('{}'));
  await turn();
  buffer.pushEvent(prefix, Buffer.from('{}'));
  stream.destroy();
  await turn();
  // Still being read by the system.
  expect(out.size).toBe(1);
  leave[0]?.();
  await turn();
  expect(out.size).toBe(0);
});

/** A connection whose client does not read yet. */
async function connection() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
  const [socket] = (await once(server, 'connection')) as [Socket];
  return { server, client, socket };
}

it('sends over a socket what it was given, in blocks that are used again, whether the client reads or not', async () => {
  const out = watchBlocks();
  const taken = vi.spyOn(blocks, 'take');
  const { server, client, socket } = await connection();
  const received: Buffer[] = [];
  client.on('data', (chunk) => received.push(chunk));
  client.pause();
  const toClient = new SendBuffer(socket, { nextTick, blocks }, memory, () => {}, unowned);
  const wanted: Buffer[] = [];
  let waitedMost = 0;
  for (let count = 0; count < 600; count += 1) {
    // Long enough to fill what the system holds for a client that does not read.
    const json = Buffer.from(JSON.stringify(String(count).repeat(15_000)));
    wanted.push(eventFrame(prefix, json));
    toClient.pushEvent(prefix, json);
    toClient.push(frameOf(100));
    wanted.push(frameOf(100));
    waitedMost = Math.max(waitedMost, socket.writableLength);
    if (count === 400) client.resume();
    await turn();
  }
  socket.end();
  await once(client, 'end');
  expect(Buffer.concat(received).equals(Buffer.concat(wanted))).toBe(true);
  expect(waitedMost).toBeGreaterThan(0);
  expect(out.size).toBe(0);
  expect(new Set(taken.mock.results.map(({ value }) => value)).size).toBeLessThan(4);
  server.close();
});

it('gives the block back once when a socket is destroyed whose client did not read', async () => {
  const out = watchBlocks();
  const { server, client, socket } = await connection();
  const toClient = new SendBuffer(socket, { nextTick, blocks }, memory, () => {}, unowned);
  const json = Buffer.from(JSON.stringify('x'.repeat(60_000)));
  for (let count = 0; socket.writableLength < 500_000 && count < 1_000; count += 1) {
    toClient.pushEvent(prefix, json);
    await turn();
  }
  expect(out.size).toBe(1);
  socket.destroy();
  await once(socket, 'close');
  await turn();
  expect(out.size).toBe(0);
  client.destroy();
  server.close();
});

it('does all work of a turn in one tick, and what it brings in another', async () => {
  const done: string[] = [];
  nextTick.push(() => {
    done.push('first');
    nextTick.push(() => done.push('third'));
  });
  nextTick.push(() => done.push('second'));
  expect(done).toEqual([]);
  await turn();
  expect(done).toEqual(['first', 'second', 'third']);
});
