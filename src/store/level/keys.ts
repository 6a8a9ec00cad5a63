/** The first byte of a key: what stands under it. */
const body = 0x62;
const segment = 0x73;

/** The body of the row with that sequence: `b` and the sequence, so that neighbours in time are neighbours on disk. */
export function bodyKey(sequence: number): Uint8Array {
  return numberKey(body, sequence);
}

/** A segment of the index log: `s` and its number. */
export function segmentKey(number: number): Uint8Array {
  return numberKey(segment, number);
}

/** The number in a segment's key. */
export function segmentNumber(key: Uint8Array): number {
  return Number(new DataView(key.buffer, key.byteOffset, key.byteLength).getBigUint64(1));
}

/** A key of its own, for what there is one of: `m` and a name. */
export const metaKeys = {
  schema: Buffer.from('m:schema'),
  reasons: Buffer.from('m:reasons'),
  compaction: Buffer.from('m:compaction'),
} as const;

function numberKey(prefix: number, value: number): Uint8Array {
  const key = new Uint8Array(9);
  const view = new DataView(key.buffer);
  key[0] = prefix;
  view.setUint32(1, Math.floor(value / 2 ** 32));
  view.setUint32(5, value >>> 0);
  return key;
}
