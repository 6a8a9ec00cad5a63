import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { limits } from '../../src/config/limits.js';
import { systemClock } from '../../src/lib/clock.js';
import { SocketReader } from '../../src/lib/turns/socket-reader.js';
import { fixedSlice, TurnScheduler } from '../../src/lib/turns/turn-scheduler.js';
import { ClientSession } from '../../src/relay/client/client-session.js';
import { eventually } from '../support/eventually.js';
import { settle } from '../support/virtual-clock.js';
import { serveRelay } from './served-relay.js';

const pieceBytes = limits.clientPieceBytes;

let nowMs: number;
let turns: (() => void)[];
let scheduler: TurnScheduler;
/** The names of those of whom a piece was read, which takes two milliseconds. */
let read: string[];

beforeEach(() => {
  nowMs = 0;
  turns = [];
  read = [];
  scheduler = new TurnScheduler({ monotonic: () => nowMs }, fixedSlice(5), (task) => turns.push(task));
});

afterEach(() => {
  vi.restoreAllMocks();
});

function reader(name: string, client: { group?: string; isOverBudget: boolean } = { isOverBudget: false }) {
  const socket = { isPaused: false, readyState: 1 as const, OPEN: 1 as const };
  const stream = new PassThrough({ highWaterMark: 1_000_000 });
  const sizes: number[] = [];
  stream.on('data', ({ length }: Buffer) => {
    sizes.push(length);
    read.push(name);
    nowMs += 2;
  });
  const reading = new SocketReader({
    ...{ socket, stream, pieceBytes, turns: scheduler, party: client },
    own: (callback) => callback,
  });
  const send = (pieces: number) => stream.write(Buffer.alloc(pieces * pieceBytes));
  return { socket, stream, sizes, reading, send };
}

async function turn(): Promise<void> {
  turns.shift()?.();
  await settle();
}

describe('the socket of a client', () => {
  it('is read at once, and what comes in one piece in later turns', async () => {
    const { send, sizes } = reader('a');
    send(2.5);
    await settle();
    expect(sizes).toEqual([pieceBytes]);
    await turn();
    expect(sizes).toEqual([pieceBytes, pieceBytes, pieceBytes / 2]);
    send(0.5);
    await settle();
    expect(sizes).toHaveLength(4);
  });

  it('waits for its turn when the slice for that is over, and behind those that wait', async () => {
    const clients = [...'abcdefgh'].map((name) => reader(name));
    for (const { send } of clients) send(0.5);
    await settle();
    expect(read.join('')).toBe('abc');
    await turn();
    expect(read.join('')).toBe('abcdef');
    await turn();
    expect(read.join('')).toBe('abcdefgh');
  });

  it('has the turns of its address, and waits for those that are within their budget', async () => {
    const many = { group: 'x', isOverBudget: false };
    const clients = [reader('x', many), reader('x', many), reader('b'), reader('o', { isOverBudget: true })];
    nowMs = 100;
    expect(scheduler.isOver).toBe(false);
    nowMs = 105;
    for (const { send } of clients) send(2);
    await settle();
    expect(read).toEqual([]);
    for (let count = 0; count < 3; count += 1) await turn();
    expect(read.join('')).toBe('xbxbxxoo'.slice(0, read.length));
  });

  it('is not read while it is paused, unless it closes', async () => {
    const { socket, send, sizes, reading } = reader('a');
    socket.isPaused = true;
    send(1);
    await settle();
    await turn();
    expect(sizes).toEqual([]);
    socket.isPaused = false;
    reading.resume();
    await turn();
    expect(sizes).toEqual([pieceBytes]);
    Object.assign(socket, { isPaused: true, readyState: 2 });
    send(1);
    await settle();
    expect(sizes).toHaveLength(2);
  });

  it('is read to its end, and what is left where it breaks is dropped', async () => {
    const whole = reader('a');
    const ended = vi.fn();
    whole.stream.on('end', ended);
    whole.send(3);
    whole.stream.end();
    await settle();
    while (turns.length > 0) await turn();
    expect(whole.sizes).toHaveLength(3);
    expect(ended).toHaveBeenCalled();
    const broken = reader('b');
    broken.send(3);
    await settle();
    broken.stream.destroy();
    await settle();
    while (turns.length > 0) await turn();
    expect(broken.sizes).toHaveLength(1);
    expect(broken.stream.readableLength).toBe(0);
  });

  it('has no more read in a turn than a slice and a piece, however many connections send at the same time', async () => {
    await using served = await serveRelay();
    const message = JSON.stringify(['CLOSE', 'x']);
    const sockets = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const socket = new WebSocket(served.url);
        await once(socket, 'open');
        return socket;
      }),
    );
    let [frames, inTurn, most, workedMs] = [0, 0, 0, 0];
    const { monotonic } = systemClock;
    vi.spyOn(systemClock, 'monotonic').mockImplementation(() => monotonic() + workedMs);
    const receive = ClientSession.prototype.receive;
    vi.spyOn(ClientSession.prototype, 'receive').mockImplementation(function (this: ClientSession, frame) {
      frames += 1;
      inTurn += 1;
      workedMs += 1;
      most = Math.max(most, inTurn);
      receive.call(this, frame);
    });
    const sent = 1_000;
    for (const socket of sockets) for (let count = 0; count < sent; count += 1) socket.send(message);
    const ticks = () => {
      inTurn = 0;
      if (frames < sent * sockets.length) setImmediate(ticks);
    };
    ticks();
    await eventually(() => frames === sent * sockets.length);
    // One piece that is read at once, and one in a turn that began before the last tick, or the other way round.
    expect(most).toBeLessThan((4 * pieceBytes) / message.length);
    for (const socket of sockets) socket.terminate();
  });
});
