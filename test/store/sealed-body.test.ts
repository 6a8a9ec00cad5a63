import { describe, expect, it } from 'vitest';
import { encodeBody } from '../../src/nostr/event-body.js';
import { bodyIn, sealBody, unsealBody } from '../../src/store/log/bodies/sealed-body.js';
import { makeEvent } from './support/events.js';

const event = makeEvent({
  content: 'a "quoted" word, and ,"content":',
  tags: [
    ['t', ',"content":'],
    ['e', '\\",', 'content":'],
  ],
});

describe('a sealed body', () => {
  const body = Buffer.from(encodeBody(event));
  const sealed = sealBody(body, 2 ** 28 + 7);

  it('is had back for its own sequence only', () => {
    expect(Buffer.from(unsealBody(sealed, 2 ** 28 + 7)!)).toEqual(body);
    expect(Buffer.from(bodyIn(sealed))).toEqual(body);
    expect(unsealBody(sealed, 7)).toBeUndefined();
  });

  it('is found damaged whichever bit of it is flipped, and wherever it ends too early', () => {
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const changed = Buffer.from(sealed);
      changed[bit >>> 3]! ^= 1 << (bit & 7);
      expect(unsealBody(changed, 2 ** 28 + 7), `bit ${bit}`).toBeUndefined();
    }
    for (let end = 0; end < sealed.length; end += 1) {
      // Without its seal it is one of schema 1.
      if (end === body.length) continue;
      expect(unsealBody(sealed.subarray(0, end), 2 ** 28 + 7), `end ${end}`).toBeUndefined();
    }
  });

  it('of schema 1 has no seal, and is checked by its id', () => {
    expect(unsealBody(body, 7)).toEqual(body);
    const signature = { from: 64, to: 128 };
    for (let at = 0; at < body.length; at += 1) {
      const changed = Buffer.from(body);
      changed[at]! ^= 1;
      const isInSignature = at >= signature.from && at < signature.to;
      if (!isInSignature) expect(unsealBody(changed, 7), `byte ${at}`).toBeUndefined();
    }
  });
});
