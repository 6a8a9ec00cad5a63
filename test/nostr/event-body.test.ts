import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ByteWriter } from '../../src/lib/byte-writer.js';
import { eventJson, type NostrEvent, serialiseForHash } from '../../src/nostr/event.js';
import { encodeBody, serialisationOf, writeBody } from '../../src/nostr/event-body.js';
import { LazyBody } from '../../src/store/log/bodies/body-codec.js';

const hex = (digits: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: digits, maxLength: digits });
/** With lone surrogates, quotes, control characters and all else that JSON writes in its own way. */
const text = fc.string({ unit: 'binary', maxLength: 40 });
const anyEvent: fc.Arbitrary<NostrEvent> = fc.record({
  id: hex(64),
  pubkey: hex(64),
  created_at: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  kind: fc.nat({ max: 65_535 }),
  tags: fc.array(fc.array(text, { maxLength: 4 }), { maxLength: 6 }),
  content: text,
  sig: hex(128),
});

it('gives back the JSON of any event, to the last byte', () => {
  fc.assert(
    fc.property(anyEvent, (event) => {
      expect(new LazyBody(1, encodeBody(event)).json).toBe(eventJson(event));
    }),
  );
});

it('gives the serialisation whose hash is the id', () => {
  const writer = new ByteWriter();
  fc.assert(
    fc.property(anyEvent, (event) => {
      const tagsBytes = writeBody(event, writer);
      const pieces = serialisationOf(Buffer.from(writer.take()), tagsBytes);
      const written = Buffer.concat(pieces.map((piece) => Buffer.from(piece as string)));
      expect(written).toEqual(Buffer.from(serialiseForHash(event)));
    }),
  );
});

it('encodes events that are longer than the memory that it keeps', () => {
  const event: NostrEvent = {
    id: '1'.repeat(64),
    pubkey: '2'.repeat(64),
    created_at: 1,
    kind: 1,
    tags: [['t', 'ü'.repeat(1_000_000)]],
    content: '\u2028'.repeat(1_000_000),
    sig: '3'.repeat(128),
  };
  expect(new LazyBody(1, encodeBody(event)).json).toBe(eventJson(event));
});
