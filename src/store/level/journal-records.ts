import { crc32 } from 'node:zlib';
import { dataView } from '../../lib/bytes.js';
import { StoreError } from '../event-store.js';
import type { JournalEntry } from '../journal.js';
import type { Database, DatabaseSnapshot } from './database.js';
import { journalEnd, journalStart } from './keys.js';
import { isCorruption } from './segment-entries.js';

/*
 * What LevelDB has under the key of a journal record, which is `j` and its name:
 *
 *     | value | CRC-32 of the key and the value, u32 LE |
 *
 * LevelDB does not compare the checksums of what it reads; with the key in the sum no value is taken for another's.
 */
const sumBytes = 4;

/** The value as LevelDB gets it. */
export function sealRecord(key: Uint8Array, value: Uint8Array): Uint8Array {
  const sealed = Buffer.allocUnsafe(value.length + sumBytes);
  sealed.set(value);
  sealed.writeUInt32LE(crc32(value, crc32(key)), value.length);
  return sealed;
}

/**
 * The records on disk, or in a snapshot of it, by name, without those that are damaged. Throws `StoreError` when LevelDB
 * cannot read its file.
 */
export async function* journalRecords(
  db: Database,
  snapshot?: DatabaseSnapshot,
): AsyncGenerator<JournalEntry> {
  try {
    const range = { gte: journalStart, lt: journalEnd, ...(snapshot === undefined ? {} : { snapshot }) };
    for await (const [key, sealed] of db.iterator(range)) {
      const value = unsealRecord(key, sealed);
      if (value !== undefined) yield { name: nameIn(key), value };
    }
  } catch (cause) {
    if (!isCorruption(cause)) throw cause;
    const message = 'the journal of the store is damaged; graspd repair makes it anew of what can be read';
    throw new StoreError('store_unreadable', message, { cause });
  }
}

/** The names of the records that are damaged, which nobody is given. Throws as LevelDB does. */
export async function* damagedRecords(db: Database): AsyncGenerator<string> {
  for await (const [key, sealed] of db.iterator({ gte: journalStart, lt: journalEnd }))
    if (unsealRecord(key, sealed) === undefined) yield nameIn(key);
}

function nameIn(key: Uint8Array): string {
  return Buffer.from(key.subarray(1)).toString('utf8');
}

function unsealRecord(key: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  const end = sealed.length - sumBytes;
  if (end < 0) return undefined;
  const value = sealed.subarray(0, end);
  return dataView(sealed).getUint32(end, true) === crc32(value, crc32(key)) ? value : undefined;
}
