import { createHash } from 'node:crypto';

/** A record as the tests write it: independent of both implementations. */
export type TestRecord = { readonly timestamp: bigint; readonly id: Uint8Array };

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** A string that sorts as the record does. */
export const sortKey = ({ timestamp, id }: TestRecord): string =>
  timestamp.toString(16).padStart(16, '0') + hexOf(id);

/** Sorted, each once. */
export function sortedOnce(records: readonly TestRecord[]): TestRecord[] {
  const byKey = new Map(records.map((record) => [sortKey(record), record]));
  return [...byKey.keys()].sort().map((key) => byKey.get(key)!);
}

/** The NIP-77 fingerprint by BigInt and node:crypto. */
export function fingerprintByBigInt(records: readonly TestRecord[]): string {
  let sum = 0n;
  for (const { id } of records) sum += BigInt(`0x${hexOf(Uint8Array.from(id).reverse())}`);
  const little = Buffer.from((sum % 2n ** 256n).toString(16).padStart(64, '0'), 'hex').reverse();
  const digits = records.length.toString(2);
  const groups = digits.padStart(Math.ceil(digits.length / 7) * 7, '0').match(/.{7}/g) ?? [];
  const varint = groups.map((group, i) => Number.parseInt(group, 2) + (i < groups.length - 1 ? 128 : 0));
  const hash = createHash('sha256').update(little).update(Uint8Array.from(varint)).digest('hex');
  return hash.slice(0, 32);
}

/** The raw bytes of records as `append` takes them. */
export function recordBytesOf(records: readonly TestRecord[]): Uint8Array {
  const bytes = Buffer.alloc(records.length * 40);
  records.forEach(({ timestamp, id }, index) => {
    bytes.writeBigUInt64LE(timestamp, index * 40);
    bytes.set(id, index * 40 + 8);
  });
  return bytes;
}
