import { expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { protectingAuthor } from '../../src/nostr/protected.js';

const author = 'a'.repeat(64);
const other = 'b'.repeat(64);

function event(fields: Partial<NostrEvent>): NostrEvent {
  return { id: '', pubkey: author, created_at: 0, kind: 1, tags: [], content: '', sig: '', ...fields };
}

const protectedEvent = event({ pubkey: other, tags: [['t', 'x'], ['-']] });
const embedding = JSON.stringify(protectedEvent);

it.each<[string, Partial<NostrEvent>, string | undefined]>([
  ['a plain event', {}, undefined],
  ['a protected event', { tags: [['-']] }, author],
  [
    'a protected event whose tag says more',
    {
      tags: [
        ['e', 'x'],
        ['-', 'x'],
      ],
    },
    author,
  ],
  ['another tag with a dash in it', { tags: [['--'], ['t', '-']] }, undefined],
  ['a repost that embeds a protected event', { kind: 6, content: embedding }, other],
  ['a generic repost that embeds one', { kind: 16, content: embedding }, other],
  [
    'one whose JSON is written in another way',
    { kind: 6, content: embedding.replace('"-"', '"\\u002d"') },
    other,
  ],
  [
    'a repost of one whose author is no text, and cannot be made one',
    { kind: 6, content: '{"tags":[["-"]],"pubkey":{"toString":1}}' },
    '',
  ],
  ['a repost that embeds a plain event', { kind: 6, content: JSON.stringify(event({})) }, undefined],
  ['a repost that embeds nothing', { kind: 6 }, undefined],
  ['a repost of what is no event', { kind: 16, content: '[1, null, "x"]' }, undefined],
  ['a repost whose JSON has no bounds', { kind: 6, content: '['.repeat(limits.jsonDepthMax + 1) }, undefined],
  ['a repost of a protected event without an author', { kind: 6, content: '{"tags":[["-"]]}' }, ''],
  ['another kind with such a content', { kind: 1, content: embedding }, undefined],
])('%s', (_, fields, protector) => {
  expect(protectingAuthor(event(fields))).toBe(protector);
});
