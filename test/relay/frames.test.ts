import { expect, it } from 'vitest';
import type { AcceptedEvent } from '../../src/admission/admission.js';
import { limits } from '../../src/config/limits.js';
import { EventFrames, eventFrame, eventPrefix } from '../../src/relay/frames/frames.js';

const framesOf = (chars: number) =>
  new EventFrames({ json: JSON.stringify('x'.repeat(chars)) } as AcceptedEvent);

/** The frame that a subscription is sent; a new one for each client that is there. */
function frameFor(frames: EventFrames, id: string): Buffer {
  let sent: Buffer | undefined;
  const outbox = {
    sendFrame(frame: Buffer) {
      sent = frame;
    },
    sendEvent(prefix: Buffer, json: Uint8Array) {
      sent = eventFrame(prefix, json);
    },
  };
  frames.sendTo(outbox, id, eventPrefix(id));
  return sent as Buffer;
}

it('of a live event are shared by the subscriptions of one id, also of the longest', () => {
  const frames = framesOf(limits.clientMessageBytesMax);
  const frame = frameFor(frames, 'a');
  expect(frameFor(frames, 'a') === frame).toBe(true);
  expect(frameFor(frames, 'b').toString().includes('["EVENT","b","xx')).toBe(true);
});

it.each([100, 60_000, 1_100_000])(
  'of a live event of %i characters are kept up to a limit, whatever ids subscriptions have, and right beyond it',
  (chars) => {
    const frames = framesOf(chars);
    const ids = Array.from(
      { length: Math.ceil((3 * limits.sharedFrameBytesMax) / chars) },
      (_, at) => `${at}`,
    );
    for (const id of ids) frameFor(frames, id);
    let kept = 0;
    let wrong = 0;
    for (const id of ids) {
      const frame = frameFor(frames, id);
      const again = frameFor(frames, id);
      if (frame === again) kept += frame.length;
      else if (!frame.equals(again)) wrong += 1;
    }
    expect(wrong).toBe(0);
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThanOrEqual(limits.sharedFrameBytesMax);
  },
);

it('of a long live event that are not kept are not made for clients that are gone', () => {
  const frames = framesOf(1_100_000);
  let made = 0;
  const gone = {
    sendFrame() {
      made += 1;
    },
    sendEvent() {},
  };
  for (let at = 0; at < 100; at += 1) frames.sendTo(gone, `${at}`, eventPrefix(`${at}`));
  expect(made).toBe(1);
});
