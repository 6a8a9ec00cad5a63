import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flushPkt, PktReader, pktLine, pktPayloadBytesMax } from '../../src/git-protocol/pkt-line.js';

/** What a reader makes of bytes that come in pieces of that size. */
function readAll(bytes: Buffer, pieceSize: number, hasDelimiters = false): string[] {
  const reader = new PktReader({ hasDelimiters });
  const read: string[] = [];
  for (let from = 0; from < bytes.length; from += pieceSize) {
    reader.push(bytes.subarray(from, from + pieceSize));
    for (let pkt = reader.next(); pkt !== undefined; pkt = reader.next()) {
      read.push(pkt.type === 'line' ? pkt.payload.toString('latin1') : pkt.type);
    }
  }
  return read;
}

describe('pkt-lines', () => {
  it('are read as they were written, in pieces of any size', () => {
    const lines = fc.array(fc.string({ unit: 'binary-ascii', maxLength: 300 }), { maxLength: 10 });
    fc.assert(
      fc.property(lines, fc.integer({ min: 1, max: 400 }), (texts, pieceSize) => {
        const bytes = Buffer.concat([...texts.map((text) => pktLine(text)), flushPkt]);
        expect(readAll(bytes, pieceSize)).toEqual([...texts, 'flush']);
      }),
      { numRuns: 200, seed: 1 },
    );
  });

  it('have a length of four hex digits', () => {
    expect(pktLine('a\n').toString()).toBe('0006a\n');
    expect(pktLine('x'.repeat(pktPayloadBytesMax)).toString('latin1', 0, 4)).toBe('fff0');
    expect(() => pktLine('x'.repeat(pktPayloadBytesMax + 1))).toThrow(RangeError);
  });

  it.each(['0001', '0002', '0003', 'fff1', 'ffff', '-001', '0x10', ' 10a'])(
    'cannot begin with %s',
    (length) => {
      expect(() => readAll(Buffer.from(`${length}abcdefgh`), 100)).toThrow(/pkt-line/);
    },
  );

  it('have delimiters in protocol v2', () => {
    const read = readAll(Buffer.from('00010006a\n00020000'), 3, true);
    expect(read).toEqual(['delimiter', 'a\n', 'response-end', 'flush']);
    expect(() => readAll(Buffer.from('0003'), 4, true)).toThrow(/pkt-line/);
  });

  it('leave what comes behind them', () => {
    const reader = new PktReader();
    reader.push(Buffer.from('00000006a\nPACK'));
    expect(reader.next()).toEqual({ type: 'flush' });
    expect(reader.next()).toEqual({ type: 'line', payload: Buffer.from('a\n') });
    expect(reader.rest.toString()).toBe('PACK');
  });

  it('are put together once each, however small the pieces are', () => {
    const reader = new PktReader();
    const bytes = pktLine('x'.repeat(pktPayloadBytesMax));
    let copied = 0;
    const concat = Buffer.concat;
    Buffer.concat = (list, length) => {
      copied += list.reduce((sum, { byteLength }) => sum + byteLength, 0);
      return concat(list, length);
    };
    try {
      for (const byte of bytes) {
        reader.push(Buffer.of(byte));
        reader.next();
      }
    } finally {
      Buffer.concat = concat;
    }
    expect(reader.rest.length).toBe(0);
    expect(copied).toBeLessThan(2 * bytes.length);
  });
});
