import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineTooLongError, splitLines } from '../../src/nostr/event-lines.js';

async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

async function linesOf(text: string, chunkBytes: number, lineBytesMax = 1000): Promise<string[]> {
  const lines: string[] = [];
  for await (const some of splitLines(chunksOf(Buffer.from(text), chunkBytes), lineBytesMax))
    lines.push(...some);
  return lines;
}

test('lines do not depend on how the bytes come', async () => {
  const line = fc.string({ unit: fc.constantFrom('a', 'ß', '€', '😀', '"'), minLength: 1 });
  const input = fc.record({ lines: fc.array(line), chunkBytes: fc.integer({ min: 1, max: 40 }) });
  await fc.assert(
    fc.asyncProperty(input, async ({ lines, chunkBytes }) => {
      expect(await linesOf(lines.join('\n'), chunkBytes)).toEqual(lines);
      expect(await linesOf(lines.map((text) => `${text}\r\n\n`).join(''), chunkBytes)).toEqual(lines);
    }),
    { seed: 7, numRuns: 100 },
  );
});

test('a line above the limit is an error with its number', async () => {
  await expect(linesOf('ok\n123456', 2, 5)).rejects.toThrow(LineTooLongError);
  await expect(linesOf('ok\n123456', 2, 5)).rejects.toThrow('line 2 is longer than 5 bytes');
  expect(await linesOf('ok\n12345', 2, 5)).toEqual(['ok', '12345']);
});
