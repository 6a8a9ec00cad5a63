import { errorMessage } from '../../lib/errors.js';
import { StoreError } from '../event-store.js';
import { sequencesPerOpening } from '../log/replay.js';
import { type Database, damaged, jsonBytes, readMeta } from './database.js';
import { metaKeys } from './keys.js';

/**
 * The first sequence of this opening of the store, at or above `next`. The disk knows it before the first is given, so
 * none is given twice, whatever a power failure takes of the log. Throws `StoreError`.
 */
export async function reserveSequences(db: Database, path: string, next: number): Promise<number> {
  const reserved = (await readMeta(db, metaKeys.sequences)) ?? 0;
  if (typeof reserved !== 'number') throw damaged(path, 'its mark of sequences is damaged');
  const first = (Math.floor(Math.max(next, reserved) / sequencesPerOpening) + 1) * sequencesPerOpening;
  try {
    await db.put(metaKeys.sequences, jsonBytes(first), { sync: true });
  } catch (error) {
    const message = `the store at ${path} cannot be written: ${errorMessage(error)}`;
    throw new StoreError('store_write_failed', message, { cause: error });
  }
  return first;
}
