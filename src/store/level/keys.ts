/** The first byte of a key: what stands under it. */
const body = 0x62;
const journal = 0x6a;
const segment = 0x73;

/** The body of the row with that sequence: `b` and the sequence, so that neighbours in time are neighbours on disk. */
export function bodyKey(sequence: number): Uint8Array {
  return numberKey(body, sequence);
}

/** A segment of the index log: `s` and its number. */
export function segmentKey(number: number): Uint8Array {
  return numberKey(segment, number);
}

/** A record of the journal: `j` and its name in UTF-8, which is not empty. Programs that know no journal leave it alone. */
export function journalKey(name: string): Uint8Array {
  return Buffer.from(`j${name}`);
}

/** The first key that a body may have. */
export const bodiesStart = Buffer.of(body);
/** The key behind all bodies. */
export const bodiesEnd = Buffer.of(body + 1);

/** The first key that a journal record may have. */
export const journalStart = Buffer.of(journal);
/** The key behind all journal records. */
export const journalEnd = Buffer.of(journal + 1);

/** Whether a key has the form of one of ours. */
export function isOwnKey(key: Uint8Array): boolean {
  if (key[0] === journal) return key.length > 1;
  return key.length === 9 && (key[0] === body || key[0] === segment);
}

/** The number in a segment's key. */
export function segmentNumber(key: Uint8Array): number {
  return numberIn(key);
}

/** The sequence in a body's key. */
export function bodySequence(key: Uint8Array): number {
  return numberIn(key);
}

function numberIn(key: Uint8Array): number {
  return Number(new DataView(key.buffer, key.byteOffset, key.byteLength).getBigUint64(1));
}

/** The first key that a segment may have. */
export const segmentsStart = Buffer.of(segment);
/** The key behind all segments. */
export const segmentsEnd = Buffer.of(segment + 1);

/** A key of its own, for what there is one of: `m` and a name. */
export const metaKeys = {
  schema: Buffer.from('m:schema'),
  reasons: Buffer.from('m:reasons'),
  compaction: Buffer.from('m:compaction'),
  sequences: Buffer.from('m:sequences'),
} as const;

/** Whether a key is one of `metaKeys`, of which each database has its own values. */
export function isMetaKey(key: Uint8Array): boolean {
  return Object.values(metaKeys).some((metaKey) => metaKey.equals(key));
}

function numberKey(prefix: number, value: number): Uint8Array {
  const key = Buffer.allocUnsafe(9);
  key[0] = prefix;
  key.writeUInt32BE(Math.floor(value / 2 ** 32), 1);
  key.writeUInt32BE(value >>> 0, 5);
  return key;
}
