import { recordBytes } from '../src/kernels/kernels.js';
import { type Random, randomInteger, seededRandom } from '../src/lib/random.js';

/** Seconds of a year: over which the times of the records are spread. */
const yearSeconds = 31_536_000;
const firstSecond = 1_700_000_000;

/** `n` records in random order as raw bytes: random ids, times spread over a year. */
export function randomRecordBytes(n: number, seed = 1): Uint8Array<ArrayBuffer> {
  const random = seededRandom(seed);
  const bytes = new Uint8Array(n * recordBytes);
  const words = new Uint32Array(bytes.buffer);
  for (let i = 0; i < words.length; i++) words[i] = randomInteger(random, 2 ** 32);
  for (let i = 0; i < n; i++) {
    words[i * 10] = firstSecond + randomInteger(random, yearSeconds);
    words[i * 10 + 1] = 0;
  }
  return bytes;
}

/** The same records as other libraries take them. */
export type PlainRecord = { readonly timestamp: number; readonly id: string };

export function plainRecords(bytes: Uint8Array): PlainRecord[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / recordBytes }, (_, i) => ({
    timestamp: Number(buffer.readBigUInt64LE(i * recordBytes)),
    id: buffer.toString('hex', i * recordBytes + 8, (i + 1) * recordBytes),
  }));
}

/** 64 hex digits. */
export function randomHex32(random: Random): string {
  let text = '';
  for (let i = 0; i < 8; i++)
    text += randomInteger(random, 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  return text;
}
