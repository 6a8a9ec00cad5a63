import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { openBody } from '../../src/git-http/request-body.js';
import { VirtualClock } from '../support/virtual-clock.js';

const limits = { bytesMax: 1_000_000, spanMs: 60_000, spanBytesMin: 1_000 };

function opened() {
  const clock = new VirtualClock();
  const message = Object.assign(new PassThrough(), { headers: {}, complete: false });
  const body = openBody(message as unknown as IncomingMessage, limits, clock);
  let failure: Error | undefined;
  body.on('error', (error) => {
    failure = error;
  });
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return { clock, message, body, settled, failure: () => failure };
}

describe('the body of a git request', () => {
  it('has to come at a least rate, however steadily single bytes of it come', async () => {
    const { clock, message, body, settled, failure } = opened();
    body.resume();
    for (let second = 0; second < 61 && failure() === undefined; second += 1) {
      message.write('x');
      await settled();
      await clock.advance(1_000);
    }
    expect(failure()).toMatchObject({ status: 408 });
  });

  it('may be slow above that rate, and as slow as its reader', async () => {
    const fast = opened();
    fast.body.resume();
    const unread = opened();
    unread.message.write('y');
    for (let minute = 0; minute < 10; minute += 1) {
      fast.message.write('x'.repeat(1_000));
      await fast.settled();
      await fast.clock.advance(60_000);
      await unread.clock.advance(60_000);
    }
    expect([fast.failure(), unread.failure()]).toEqual([undefined, undefined]);
    fast.body.destroy();
    unread.body.destroy();
  });
});
