import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { NegentropyError, type NegentropyErrorCode } from '../../src/negentropy/errors.js';
import { type Bound, highestBound } from '../../src/negentropy/wire/bound.js';
import { messageFromHex, messageToHex } from '../../src/negentropy/wire/frame.js';
import { type MessageRange, MessageReader } from '../../src/negentropy/wire/reader.js';
import { readVarint, readVarint64, writeVarint, writeVarint64 } from '../../src/negentropy/wire/varint.js';
import { MessageWriter } from '../../src/negentropy/wire/writer.js';
import { codeOf } from './error-code.js';
import { sortedStorage } from './sorted-storage.js';

const timestampMax = 2n ** 64n - 2n;

function readAll(message: Uint8Array): MessageRange[] {
  const reader = new MessageReader(message);
  const ranges: MessageRange[] = [];
  for (let range = reader.next(); range !== undefined; range = reader.next()) ranges.push(range);
  return ranges;
}

describe('varints', () => {
  test('64-bit numbers survive, in as few digits as possible', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.nat(64), (wide, bits) => {
        const value = wide >> BigInt(Math.min(bits, 63));
        const target = new Uint8Array(12);
        const end = writeVarint64(target, 1, value);
        expect(end - 1).toBe(Math.max(1, Math.ceil(value.toString(2).length / 7)));
        expect(BigInt(readVarint64({ bytes: target, offset: 1 }))).toBe(value);
        if (value >= 2n ** 49n) return;
        expect(writeVarint(target, 1, Number(value))).toBe(end);
        expect(readVarint({ bytes: target, offset: 1 })).toBe(Number(value));
      }),
      { seed: 1, numRuns: 2_000 },
    );
  });

  test('the examples of the format', () => {
    const encoded = (value: bigint): string => {
      const target = new Uint8Array(10);
      return Buffer.from(target.subarray(0, writeVarint64(target, 0, value))).toString('hex');
    };
    expect([0n, 127n, 128n, 300n, 2n ** 64n - 1n].map(encoded)).toEqual([
      '00',
      '7f',
      '8100',
      '822c',
      '81ffffffffffffffff7f',
    ]);
  });
});

describe('messages', () => {
  test('what is written is read again; skips are merged and a last one is left out', () => {
    const storage = sortedStorage([
      { timestamp: 5n, id: new Uint8Array(32).fill(1) },
      { timestamp: timestampMax, id: new Uint8Array(32).fill(2) },
    ]);
    const at = (timestamp: bigint, ...prefix: number[]): Bound => ({
      timestamp,
      prefix: Uint8Array.from(prefix),
    });
    const writer = new MessageWriter(storage, 8);
    writer.skip(at(1n));
    writer.skip(at(2n, 7));
    writer.fingerprint(at(2n, 7, 1), 0, 1);
    writer.ids(at(timestampMax, 255), 0, 2);
    writer.skip(highestBound);
    const message = writer.finish();
    const place = Buffer.from(message).indexOf(storage.fingerprint(0, 1));
    expect(readAll(message)).toEqual([
      { mode: 'skip', upper: at(2n, 7) },
      { mode: 'fingerprint', upper: at(2n, 7, 1), at: place },
      {
        mode: 'ids',
        upper: at(timestampMax, 255),
        ids: Uint8Array.from([...Array(32).fill(1), ...Array(32).fill(2)]),
      },
    ]);
    expect(messageFromHex(messageToHex(message))).toEqual(Buffer.from(message));
  });

  const malformed: readonly (readonly [string, string, NegentropyErrorCode])[] = [
    ['an empty message', '', 'truncated'],
    ['no version byte', '22', 'bad_version'],
    ['a bound cut short', '61 01', 'truncated'],
    ['a prefix cut short', '61 01 20 0102', 'truncated'],
    ['a mode left out', '61 01 00', 'truncated'],
    ['a fingerprint cut short', '61 00 00 01 000102', 'truncated'],
    ['a list cut short', '61 00 00 02 01 000102', 'too_many_ids'],
    ['more ids than any message holds', '61 00 00 02 ffffffffff7f', 'too_many_ids'],
    ['a count above 49 bits', '61 00 00 02 ffffffffffffff7f', 'varint_too_long'],
    ['a timestamp of 11 digits', '61 81818181818181818181 00 00 00', 'varint_too_long'],
    ['a timestamp above 64 bits', '61 83ffffffffffffffff7f 00 00', 'varint_too_long'],
    ['a padded number', '61 8001 00 00', 'varint_too_long'],
    [
      'timestamps that add up to more than 64 bits',
      '61 81ffffffffffffffff7f 00 00 05 00 00',
      'timestamp_too_large',
    ],
    ['a prefix of 33 bytes', `61 01 21 ${'00'.repeat(33)} 00`, 'prefix_too_long'],
    ['bounds that go back', '61 05 01 02 00 01 01 01 00', 'bounds_unordered'],
    ['an unknown mode', '61 00 00 03', 'unknown_mode'],
    ['something behind infinity', '61 00 00 00 00', 'trailing_bytes'],
  ];
  for (const [name, hex, code] of malformed) {
    test(`${name} is ${code}`, () => {
      expect(codeOf(() => readAll(messageFromHex(hex.replaceAll(' ', ''))))).toBe(code);
    });
  }

  test('a message or its hex that is too long, odd or no hex is refused', () => {
    const tooLong = limits.negentropyMessageBytesMax + 1;
    expect(codeOf(() => new MessageReader(new Uint8Array(tooLong).fill(0x61)))).toBe('message_too_large');
    expect(codeOf(() => messageFromHex('61'.repeat(tooLong)))).toBe('message_too_large');
    for (const hex of ['6', '616', '6g', '61 0', 'zz', '61\n', '6\u0131']) {
      expect(
        codeOf(() => messageFromHex(hex)),
        hex,
      ).toBe('bad_hex');
    }
  });

  test('arbitrary bytes give ranges within the message or a typed error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const message = Uint8Array.from([0x61, ...bytes]);
        try {
          const ranges = readAll(message);
          expect(ranges.length * 3).toBeLessThanOrEqual(bytes.length);
        } catch (error) {
          expect(error).toBeInstanceOf(NegentropyError);
        }
      }),
      { seed: 2, numRuns: 3_000 },
    );
  });
});
