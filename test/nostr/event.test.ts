import { getEventHash, validateEvent } from 'nostr-tools/pure';
import { describe, expect, it, vi } from 'vitest';
import { limits } from '../../src/config/limits.js';
import {
  eventBytes,
  eventHash,
  eventJson,
  expirationOf,
  InvalidEventError,
  isExpired,
  parseEvent,
} from '../../src/nostr/event.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { hasRealEvents, realEvents } from '../support/real-events.js';

const good = signedEvent(testIdentity(1), { content: 'hello', tags: [['e', 'x'], []] });

describe('parseEvent', () => {
  it('returns the seven fields and no other', () => {
    expect(parseEvent({ ...good, extra: 1 })).toEqual(good);
  });

  it.each([
    ['null', null],
    ['a text', 'event'],
    ['an array', []],
    ['a short id', { ...good, id: 'ab' }],
    ['an upper-case id', { ...good, id: good.id.toUpperCase().replace(/^./, 'A') }],
    ['an id that is no text', { ...good, id: 5 }],
    ['a pubkey of other characters', { ...good, pubkey: 'g'.repeat(64) }],
    ['a short sig', { ...good, sig: good.sig.slice(2) }],
    ['a fractional time', { ...good, created_at: 1.5 }],
    ['a negative time', { ...good, created_at: -1 }],
    ['a time beyond exact numbers', { ...good, created_at: 2 ** 53 }],
    ['a time that is text', { ...good, created_at: '1' }],
    ['a negative kind', { ...good, kind: -1 }],
    ['a kind above 65535', { ...good, kind: 65536 }],
    ['no content', { ...good, content: undefined }],
    ['tags that are no list', { ...good, tags: {} }],
    ['a tag that is no list', { ...good, tags: ['e'] }],
    ['a tag with a number', { ...good, tags: [['e', 1]] }],
    ['too many tags', { ...good, tags: new Array(limits.eventTagsMax + 1).fill(['t']) }],
  ])('refuses %s', (_, value) => {
    expect(() => parseEvent(value)).toThrow(InvalidEventError);
  });

  it.each([0, 2 ** 53 - 1])('takes the time %d', (created_at) => {
    expect(parseEvent({ ...good, created_at }).created_at).toBe(created_at);
  });
});

describe('the hash and the JSON of an event', () => {
  it('agree with nostr-tools', () => {
    expect(validateEvent(good)).toBe(true);
    expect(eventHash(good)).toBe(getEventHash(good));
    expect(JSON.parse(eventJson(good))).toEqual(good);
  });

  it.each([
    ['letters', 'a'],
    ['what takes three bytes', '€'],
    ['what is escaped', '\u0001'],
    ['half a surrogate pair', '\ud800'],
  ])('take no more bytes than are counted: %s', (_, char) => {
    const event = { ...good, content: char.repeat(1_000), tags: [['t', char.repeat(1_000), ''], [], [char]] };
    const bytes = Buffer.byteLength(eventJson(event));
    expect(eventBytes(event)).toBeGreaterThanOrEqual(bytes);
    expect(eventBytes(event)).toBeLessThan(bytes + 400);
  });

  it.skipIf(!hasRealEvents)('hold for every real event (skipped where they are absent)', () => {
    for (const event of realEvents()) {
      expect(eventHash(parseEvent(event))).toBe(event.id);
      expect(eventBytes(event)).toBeGreaterThan(eventJson(event).length * 0.5);
    }
  });
});

describe('the estimate of the bytes of an event', () => {
  it('is made once for all who ask on its way, and is that of this event', () => {
    const long = { ...good, content: 'x'.repeat(1_000) };
    const bytes = eventBytes(good);
    const stringify = vi.spyOn(JSON, 'stringify');
    expect([eventBytes(good), eventBytes(good)]).toEqual([bytes, bytes]);
    expect(stringify).not.toHaveBeenCalled();
    stringify.mockRestore();
    expect(eventBytes(long)).toBe(bytes + 1_000 - good.content.length);
    expect(eventBytes(good)).toBe(bytes);
  });
});

describe('NIP-40', () => {
  const expiring = (value: string) => ({ ...good, tags: [['expiration', value]] });
  it.each([
    ['100', 100],
    ['', undefined],
    ['-5', undefined],
    ['1e3', undefined],
    ['soon', undefined],
  ])('reads an expiration of %j as %j', (value, expected) => {
    expect(expirationOf(expiring(value))).toBe(expected);
  });

  it('is over at its second', () => {
    expect(isExpired(expiring('100'), 99)).toBe(false);
    expect(isExpired(expiring('100'), 100)).toBe(true);
    expect(isExpired(good, 2 ** 40)).toBe(false);
  });
});
