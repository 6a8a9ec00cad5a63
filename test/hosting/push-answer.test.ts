import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { keepAlivePkt } from '../../src/git-protocol/push-report.js';
import { PushAnswer } from '../../src/hosting/push-answer.js';
import { VirtualClock } from '../support/virtual-clock.js';

const capabilities = new Set(['side-band-64k']);

describe('the answer to a push', () => {
  it('shows that somebody is there from the end of the push on, also where that came before the answer was made', async () => {
    const small = Readable.from([Buffer.from('x')]);
    small.resume();
    await once(small, 'end');
    const large = new PassThrough();
    large.resume();
    for (const body of [small, large]) {
      const clock = new VirtualClock();
      const answer = new PassThrough();
      using _ = new PushAnswer(answer, capabilities, body, clock);
      if (body === large) {
        await clock.advance(2 * limits.pushKeepAliveMs);
        expect(answer.readableLength).toBe(0);
        large.end();
        await once(large, 'end');
      }
      await clock.advance(limits.pushKeepAliveMs);
      expect(answer.read()).toEqual(Buffer.concat([keepAlivePkt, keepAlivePkt]));
    }
  });
});
