import type { Database } from '../database.js';
import { isCorruption } from '../segment-entries.js';

/**
 * Whether LevelDB can read all of its files. Where it cannot, it takes no write any more as soon as it comes to merge the
 * damaged one with others.
 */
export async function canReadAll(db: Database): Promise<boolean> {
  try {
    for await (const _ of db.iterator({ fillCache: false } as object));
    return true;
  } catch (error) {
    if (isCorruption(error)) return false;
    throw error;
  }
}
