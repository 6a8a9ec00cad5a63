import { errorMessage } from '../../lib/errors.js';
import { StoreError } from '../event-store.js';
import { EventIndex } from '../index/event-index.js';
import { TermList } from '../index/terms.js';
import { assembleStore, type OpenedStore, type StoreOptions } from '../opened-store.js';
import { Reasons } from '../reasons.js';
import { CommitLog } from './commit-log.js';
import { Compaction, type LogSize } from './compaction.js';
import {
  type Database,
  type Identity,
  identify,
  openAgain,
  openDatabase,
  parseJson,
  unreadable,
} from './database.js';
import { metaKeys, segmentKey, segmentNumber } from './keys.js';
import { applyRecord, readSegment, recordsOf } from './segment.js';
import { readSnapshot, writeSnapshot } from './snapshot.js';

export type LevelStoreOptions = StoreOptions & {
  /** A folder of its own, made if it is not there. */
  readonly path: string;
};

/** The key behind all segments. */
const segmentsEnd = Buffer.from('t');
/** Segments, and bytes of them, that are read at once while the index is built. */
const segmentsPerRead = 256;
const bytesPerRead = 1_048_576;

/**
 * Opens the store at `path` and builds its index. Throws `StoreError` with a message of one line: `store_locked`
 * (another process has it), `store_newer_schema`, `store_unreadable`.
 */
export async function openLevelStore(options: LevelStoreOptions): Promise<OpenedStore> {
  const { path, clock } = options;
  const db = await openDatabase(path);
  try {
    const identity = await identify(db, path);
    const reasons = await readReasons(db, path);
    const { index, size } = await readIndex(db, path, identity);
    const compaction = new Compaction(db, index, size);
    const snapshot = () => writeSnapshot(path, index, identity.databaseId, size);
    const backend = new CommitLog({ db, index, reasons, clock, compaction, size, snapshot });
    return assembleStore({ index, backend, reasons, clock }, options);
  } catch (error) {
    await db.close();
    throw error instanceof StoreError ? error : unreadable(path, errorMessage(error), error);
  }
}

/** Takes the index from the snapshot and the segments after it, or builds it from all segments. */
async function readIndex(
  db: Database,
  path: string,
  { databaseId, hashSeed }: Identity,
): Promise<{ index: EventIndex; size: LogSize }> {
  const compactedThrough = await readCompactedThrough(db, path);
  const isUsable = async (lastSegment: number): Promise<boolean> =>
    lastSegment === compactedThrough ||
    // Older, it would miss what was merged away; newer than the log, it knows of events that were lost with it.
    (lastSegment > compactedThrough && (await db.get(segmentKey(lastSegment))) !== undefined);
  const snapshot = await readSnapshot(path, databaseId, hashSeed, isUsable);
  const index = snapshot?.index ?? new EventIndex(hashSeed);
  const size: LogSize = { ...(snapshot?.log ?? { segments: 0, records: 0, lastSegment: 0 }) };
  const replay = () => replaySegments(db, path, index, size);
  if (snapshot !== undefined) {
    await replay();
  } else {
    await index.load(replay);
    // LevelDB keeps the files that it read mapped into memory; after a whole log these are most of what it may.
    await db.close();
    await openAgain(db, path);
  }
  size.lastSegment = Math.max(size.lastSegment, compactedThrough);
  return { index, size };
}

/** Makes the changes of all segments after `size.lastSegment`, and counts them. */
async function replaySegments(db: Database, path: string, index: EventIndex, size: LogSize): Promise<void> {
  const terms = new TermList(index.hasher);
  const range = { gte: segmentKey(size.lastSegment + 1), lt: segmentsEnd };
  const iterator = db.iterator({
    ...range,
    fillCache: false,
    highWaterMarkBytes: bytesPerRead,
  } as typeof range);
  for (;;) {
    const entries = await iterator.nextv(segmentsPerRead);
    if (entries.length === 0) break;
    for (const [key, value] of entries) {
      const segment = readSegment(value);
      if (segment === undefined)
        throw unreadable(path, `segment ${segmentNumber(key)} of its index is damaged`);
      for (const record of recordsOf(segment)) applyRecord(index, record, terms);
      index.nextSequence = Math.max(index.nextSequence, segment.nextSequence);
      size.segments += 1;
      size.records += segment.recordCount;
      size.lastSegment = segmentNumber(key);
    }
  }
  await iterator.close();
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

async function readCompactedThrough(db: Database, path: string): Promise<number> {
  const through = await readMeta(db, metaKeys.compaction);
  if (through === undefined) return 0;
  if (typeof through !== 'number') throw unreadable(path, 'its compaction mark is damaged');
  return through;
}

/** The JSON under a key: `undefined` if there is none, `null` if it is damaged. */
async function readMeta(db: Database, key: Uint8Array): Promise<unknown> {
  const bytes = await db.get(key);
  return bytes === undefined ? undefined : (parseJson(bytes) ?? null);
}
