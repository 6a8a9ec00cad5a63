import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { bodyOffsets, contentKey, serialisationOf } from '../../../nostr/event-body.js';

/*
 * What LevelDB has under the key of a body (nostr/event-body.ts):
 *
 *     | body | CRC-32 of the body, begun with the sequence, u32 LE | 1 |
 *
 * LevelDB does not compare the checksums of what it reads. The sum begins with the sequence, so that no body is taken
 * for that of another row. In schema 1 the body stands alone; its last byte is the quote that ends its content.
 */
const sealed = 1;
const sealBytes = 5;
const quote = 0x22;

/** The body as LevelDB gets it. */
export function sealBody(body: Uint8Array, sequence: number): Buffer {
  const value = Buffer.allocUnsafe(body.length + sealBytes);
  value.set(body);
  value.writeUInt32LE(checksum(value.subarray(0, body.length), sequence), body.length);
  value[body.length + 4] = sealed;
  return value;
}

/** The body in what LevelDB gave, without a check: for what never was on disk. */
export function bodyIn(value: Uint8Array): Uint8Array {
  return value.subarray(0, value.length - sealBytes);
}

/** The body in what LevelDB gave; `undefined` when it is not what was written. */
export function unsealBody(value: Uint8Array, sequence: number): Uint8Array | undefined {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const end = bytes.length - sealBytes;
  if (bytes.at(-1) === quote) return hasItsId(bytes) ? bytes : undefined;
  if (end < bodyOffsets.text || bytes.at(-1) !== sealed) return undefined;
  const body = bytes.subarray(0, end);
  return bytes.readUInt32LE(end) === checksum(body, sequence) ? body : undefined;
}

function checksum(body: Uint8Array, sequence: number): number {
  return crc32(body, sequence >>> 0);
}

/** Whether a body is that of its id; the signature is not looked at. */
function hasItsId(body: Buffer): boolean {
  // Tags have no colon outside of strings, and in strings no quote that is not escaped.
  const tagsEnd = body.indexOf(contentKey, bodyOffsets.text);
  if (tagsEnd < 0) return false;
  const hash = createHash('sha256');
  for (const piece of serialisationOf(body, tagsEnd - bodyOffsets.text)) hash.update(piece);
  return hash.digest().equals(body.subarray(0, bodyOffsets.pubkey));
}
