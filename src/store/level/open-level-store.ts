import { errorMessage } from '../../lib/errors.js';
import { StoreError } from '../event-store.js';
import type { EventIndex } from '../index/event-index.js';
import { CommitLog } from '../log/commit-log.js';
import { Compaction } from '../log/compaction.js';
import { Losses } from '../log/losses.js';
import type { LogOptions } from '../log/replay.js';
import { drawLife } from '../log/segment.js';
import { removeUnfinishedSnapshot, writeSnapshot } from '../log/snapshot.js';
import type { StoreImage } from '../log/store-image.js';
import { assembleStore, type OpenedStore, type StoreOptions } from '../opened-store.js';
import { Reasons } from '../refused/reasons.js';
import {
  type Database,
  damaged,
  identify,
  openDatabase,
  readMeta,
  syncDatabase,
  unreadable,
} from './database.js';
import { LevelImage } from './image/level-image.js';
import { metaKeys } from './keys.js';
import { type Durability, levelLog } from './level-log.js';

import { readDroppings, readLevelLog } from './read-level-log.js';
import { reapplyRules } from './reapply-rules.js';

import { isCorruption } from './segment-entries.js';
import { reserveSequences } from './sequences.js';

export type LevelStoreOptions = StoreOptions &
  LogOptions & {
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
  const losses = new Losses();
  try {
    await readDroppings(path, losses);
    const identity = await identify(db, path);
    const reasons = await readReasons(db, path);
    const { index, size, compactedThrough } = await readLevelLog(db, path, identity, losses, options);
    index.nextSequence = await reserveSequences(db, path, index.nextSequence);
    const target = levelLog(db, durability);
    const compaction = new Compaction(target, index, size, compactedThrough);
    const snapshot = async () => {
      // The snapshot must not last longer than the log that it is of.
      await syncDatabase(db);
      // It is a help only: where it cannot be written, as on a full disk, the next start reads more of the log.
      await writeSnapshot(path, index, identity.databaseId, size).catch(() => removeUnfinishedSnapshot(path));
    };
    const life = drawLife();
    const backend = new CommitLog({ target, index, reasons, clock, compaction, size, life, snapshot });
    const opened = assembleStore({ index, backend, reasons, clock }, options);
    if (losses.isInTheMiddle) await reapplyRules(opened.store, kindsIn(index));
    const image = async (): Promise<StoreImage> => {
      await backend.written();
      return new LevelImage(db, path, identity.databaseId, index.nextSequence - 1);
    };
    return { ...opened, losses: losses.found, image };
  } catch (error) {
    await db.close();
    if (error instanceof StoreError) throw error;
    throw (isCorruption(error) ? damaged : unreadable)(path, errorMessage(error), error);
  }
}

/** The kinds of which events are stored. */
function kindsIn({ kindCounts }: EventIndex): number[] {
  return Array.from(kindCounts.keys()).filter((kind) => kindCounts[kind]! > 0);
}

/** The reasons of refusal by their numbers. Throws `StoreError`. */
export async function readReasons(db: Database, path: string): Promise<Reasons> {
  const reasons = new Reasons();
  const names = await readMeta(db, metaKeys.reasons);
  if (names === undefined) return reasons;
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) {
    throw damaged(path, 'its list of reasons is damaged');
  }
  reasons.restore(names);
  return reasons;
}
