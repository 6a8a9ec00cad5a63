import { expect, it } from 'vitest';
import { urlOf } from '../../src/config/url.js';
import { requestTarget } from '../../src/http/request-target.js';
import { OwnService } from '../../src/nostr/relay-url.js';

/** Of `€` in UTF-8, read as Latin-1: a control character in the host, so no URL. */
const noUrl = 'http:\u00e2\u0082\u00ac';

it('what is no URL is none, however often it was asked', () => {
  const own = new OwnService('git.example', '127.0.0.1:7334');
  const taken = Array.from({ length: 20_000 }, (_, times) => {
    const text = times % 10 === 0 ? noUrl : `http://a.example/${times % 7}`;
    return urlOf(text) !== undefined && requestTarget({ url: text }) !== undefined && !own.isNamedBy(text);
  });
  expect(taken.filter((isTaken) => isTaken)).toHaveLength(18_000);
});
