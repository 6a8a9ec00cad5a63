import { expect, it } from 'vitest';
import { eventJson } from '../../src/nostr/event.js';
import { encodeBody } from '../../src/nostr/event-body.js';
import { BodyCache } from '../../src/store/log/bodies/body-cache.js';
import { LazyBody } from '../../src/store/log/bodies/body-codec.js';
import { plainEvent } from '../relay/fakes.js';

const body = (number: number) => new LazyBody(1, encodeBody(plainEvent(number)));

it('keeps what is asked for again, and no more than it may', () => {
  const cache = new BodyCache(1_000);
  for (let sequence = 0; sequence < 40; sequence += 1) {
    cache.set(sequence, body(sequence), 100);
    expect(cache.get(0)?.id).toBe(plainEvent(0).id);
  }
  const kept = Array.from({ length: 40 }, (_, sequence) => sequence).filter(
    (sequence) => cache.get(sequence) !== undefined,
  );
  expect(kept.length).toBeLessThanOrEqual(10);
  expect(kept).toContain(39);
});

it('forgets what is gone, and takes nothing that would push out most of the rest', () => {
  const cache = new BodyCache(1_000);
  cache.set(1, body(1), 100);
  cache.delete(1);
  expect(cache.get(1)).toBeUndefined();
  cache.set(2, body(2), 200);
  expect(cache.get(2)).toBeUndefined();
});

it('holds a body as JSON once that was asked for', () => {
  const event = plainEvent(7, { tags: [['e', 'ü']], content: '"\\\u2028\ud800' });
  const read = new LazyBody(1, encodeBody(event));
  expect(read.id).toBe(event.id);
  expect(read.json).toBe(eventJson(event));
  expect(read.bytes).toBe(read.bytes);
  expect(read.id).toBe(event.id);
  expect(read.event).toEqual(event);
});
