import type { OtherRecord } from '../../log/store-image.js';
import { openDatabase } from '../database.js';
import { isMetaKey, isOwnKey } from '../keys.js';

/** Whether a record can be one of `StoreImage.others`, and not stand in the way of what the store itself writes. */
export function isOtherRecord({ key }: Pick<OtherRecord, 'key'>): boolean {
  return key.length > 0 && !isOwnKey(key) && !isMetaKey(key);
}

/** Puts records into the database at `path`, which nobody has open, forced to the disk. Throws `StoreError`. */
export async function putRecords(path: string, records: readonly OtherRecord[]): Promise<void> {
  if (records.length === 0) return;
  const db = await openDatabase(path);
  try {
    const chain = db.batch();
    for (const { key, value } of records) chain.put(key, value);
    await chain.write({ sync: true });
  } finally {
    await db.close();
  }
}
