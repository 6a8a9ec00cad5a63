import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { limits as fixed } from '../../src/config/limits.js';
import { openBody } from '../../src/git-http/request-body.js';
import { VirtualClock } from '../support/virtual-clock.js';

const limits = { bytesMax: 1_000_000, spanMs: 60_000, spanBytesMin: 1_000 };

function opened(headers = {}, bytesMax = limits.bytesMax) {
  const clock = new VirtualClock();
  const message = Object.assign(new PassThrough(), { headers, complete: false });
  const body = openBody(message as unknown as IncomingMessage, { ...limits, bytesMax }, clock);
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

  describe('that is compressed', () => {
    /** What comes of it until it ends or fails, and how it ends. */
    async function inflated(sent: Buffer) {
      const { message, body, failure } = opened({ 'content-encoding': 'gzip' }, 1_000_000_000);
      let bytes = 0;
      body.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      message.complete = true;
      message.end(sent);
      await once(body, 'close').catch(() => {});
      return { bytes, failure: failure() };
    }
    const free = fixed.gitInflatedBytesFree;
    const times = fixed.gitInflatedTimesMax;

    it('ends where it is far larger than what is sent, whatever comes with it', async () => {
      // One that begins as a pack does, and goes on with nothing.
      const noise = randomBytes(200_000);
      const sent = gzipSync(Buffer.concat([noise, Buffer.alloc(50_000_000)]));
      const { bytes, failure } = await inflated(sent);
      expect(failure).toMatchObject({ status: 413 });
      expect(bytes).toBeGreaterThan(free);
      expect(bytes).toBeLessThanOrEqual(free + times * sent.length);
    });

    it('is taken where it is as what git sends, and of any kind where it is small', async () => {
      const ids = Array.from({ length: 100_000 }, () => `0032have ${randomBytes(20).toString('hex')}\n`);
      for (const whole of [Buffer.from(ids.join('')), Buffer.alloc(free), randomBytes(3_000_000)]) {
        expect(await inflated(gzipSync(whole))).toEqual({ bytes: whole.length, failure: undefined });
      }
    });
  });
});
