import { randomBytes } from 'node:crypto';
import { errorMessage } from '../../lib/errors.js';
import { StoreError } from '../event-store.js';
import { assembleStore, type OpenedStore, type StoreOptions } from '../opened-store.js';
import { Reasons } from '../reasons.js';
import { CommitLog, type Durability } from './commit-log.js';
import { Compaction } from './compaction.js';
import { type Database, identify, openDatabase, readMeta, syncDatabase, unreadable } from './database.js';
import { metaKeys } from './keys.js';
import { readLog } from './replay.js';
import { reserveSequences } from './sequences.js';
import { writeSnapshot } from './snapshot.js';

export type LevelStoreOptions = StoreOptions & {
  /** A folder of its own, made if it is not there. */
  readonly path: string;
  /** `sync` by default. */
  readonly durability?: Durability;
};

/**
 * Opens the store at `path` and builds its index. Throws `StoreError` with a message of one line: `store_locked`
 * (another process has it), `store_newer_schema`, `store_unreadable`, `store_write_failed` (the disk is full).
 */
export async function openLevelStore(options: LevelStoreOptions): Promise<OpenedStore> {
  const { path, clock, durability = 'sync' } = options;
  const db = await openDatabase(path);
  try {
    const identity = await identify(db, path);
    const reasons = await readReasons(db, path);
    const { index, size, compactedThrough } = await readLog(db, path, identity);
    index.nextSequence = await reserveSequences(db, path, index.nextSequence);
    const compaction = new Compaction(db, index, size, compactedThrough);
    const snapshot = async () => {
      // The snapshot must not last longer than the log that it is of.
      await syncDatabase(db);
      await writeSnapshot(path, index, identity.databaseId, size);
    };
    const life = drawLife();
    const backend = new CommitLog({
      db,
      durability,
      index,
      reasons,
      clock,
      compaction,
      size,
      life,
      snapshot,
    });
    return assembleStore({ index, backend, reasons, clock }, options);
  } catch (error) {
    await db.close();
    throw error instanceof StoreError ? error : unreadable(path, errorMessage(error), error);
  }
}

/** A life's number, which is never that of what earlier programs wrote. */
function drawLife(): number {
  return randomBytes(4).readUInt32LE() || 1;
}

async function readReasons(db: Database, path: string): Promise<Reasons> {
  const reasons = new Reasons();
  const names = await readMeta(db, metaKeys.reasons);
  if (names === undefined) return reasons;
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) {
    throw unreadable(path, 'its list of reasons is damaged');
  }
  reasons.restore(names);
  return reasons;
}
