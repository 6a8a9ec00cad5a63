import { PassThrough, type Writable } from 'node:stream';
import { expect, it } from 'vitest';
import * as ws from 'ws';
import { SendBuffer } from '../../src/relay/send-buffer.js';
import { textFrame, textFrameOf, textOf } from '../../src/relay/text-frame.js';

/** Exported by ws, and missing in its types. */
type ReceiverClass = new (options: { isServer: boolean }) => Writable;

/** What the peer reads out of frames, by another implementation. */
function received(bytes: Buffer): string[] {
  const texts: string[] = [];
  const { Receiver } = ws as unknown as { readonly Receiver: ReceiverClass };
  const receiver = new Receiver({ isServer: false });
  receiver.on('message', (data: Buffer) => texts.push(data.toString()));
  receiver.write(bytes);
  return texts;
}

it('makes frames of every length that ws reads', () => {
  for (const length of [0, 1, 125, 126, 127, 65_535, 65_536, 200_000]) {
    const text = 'ü'.repeat(length >>> 1) + 'x'.repeat(length & 1);
    const half = length >>> 1;
    const bytes = Buffer.from(text);
    const frame = textFrameOf(text);
    expect(textFrame(bytes.subarray(0, half), bytes.subarray(half)).equals(frame)).toBe(true);
    expect(textOf(frame).equals(bytes)).toBe(true);
    expect(received(frame)).toEqual([text]);
  }
});

it('writes the frames of a turn at once, long ones as they come, and nothing when the stream has ended', async () => {
  const stream = new PassThrough({ highWaterMark: 1 << 20 });
  const writes: number[] = [];
  stream.on('data', (chunk: Buffer) => writes.push(chunk.length));
  let sent = 0;
  const buffer = new SendBuffer(stream, () => {
    sent += 1;
  });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  for (const bytes of [10, 20, 30]) buffer.push(Buffer.alloc(bytes));
  expect(buffer.bytes).toBe(60);
  await turn();
  expect(writes).toEqual([60]);
  expect(buffer.bytes).toBe(0);
  buffer.push(Buffer.alloc(70_000));
  buffer.push(Buffer.alloc(5));
  await turn();
  expect(writes).toEqual([60, 70_000, 5]);
  expect(sent).toBe(3);
  stream.end();
  buffer.push(Buffer.alloc(1));
  await turn();
  expect(buffer.bytes).toBe(0);
});
