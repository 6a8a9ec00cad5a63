import type { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import * as ws from 'ws';
import { eventFrame, eventPrefix, writeEventFrame } from '../../src/relay/frames/frames.js';
import { textFrameOf, textOf } from '../../src/relay/frames/text-frame.js';

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
    const frame = textFrameOf(text);
    expect(textOf(frame).equals(Buffer.from(text))).toBe(true);
    expect(received(frame)).toEqual([text]);
  }
});

it('makes the frames of events around their JSON, anywhere in memory', () => {
  const prefix = eventPrefix('ü"');
  for (const length of [0, 100, 110, 65_500, 65_530, 200_000]) {
    const json = JSON.stringify('x'.repeat(length));
    const frame = eventFrame(prefix, Buffer.from(json));
    expect(received(frame)).toEqual([`["EVENT",${JSON.stringify('ü"')},${json}]`]);
    const memory = Buffer.alloc(frame.length + 8);
    writeEventFrame(memory, 7, prefix, Buffer.from(json));
    expect(memory.subarray(7, -1).equals(frame)).toBe(true);
    expect([memory[6], memory.at(-1)]).toEqual([0, 0]);
  }
});
