import { Level } from 'level';
import { type Database, openDatabase } from './database.js';
import { databasePath } from './folder.js';
import { isCorruption } from './segment-entries.js';

/** What the types leave out because browsers do not have it. */
type LevelOfNode = typeof Level & { repair(location: string): Promise<void> };

/** As `canReadAll` of the database at `path`. Throws `StoreError` when the store cannot be opened at all. */
export async function canReadFiles(path: string): Promise<boolean> {
  const db = await openDatabase(path);
  try {
    return await canReadAll(db);
  } finally {
    await db.close();
  }
}

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

/** Has LevelDB write what it can read into new files; the old ones go to `events/lost/`. Nobody must have it open. */
export async function repairFiles(path: string): Promise<void> {
  await (Level as LevelOfNode).repair(databasePath(path));
}
