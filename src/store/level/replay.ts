import { EventIndex } from '../index/event-index.js';
import { TermList } from '../index/terms.js';
import type { LogSize } from './compaction.js';
import { type Database, type Identity, openAgain, readMeta, unreadable } from './database.js';
import { metaKeys, segmentKey, segmentNumber, segmentsEnd } from './keys.js';
import { applyRecord, isSameSegment, noSegment, readSegment, recordsOf, type SegmentId } from './segment.js';
import { readSnapshot, removeSnapshot } from './snapshot.js';

/** Segments, and bytes of them, that are read at once while the index is built. */
const segmentsPerRead = 256;
const bytesPerRead = 1_048_576;

/** The index, and the log that it was built from. */
export type ReadLog = {
  readonly index: EventIndex;
  readonly size: LogSize;
  /** Up to which segment the log was compacted. */
  readonly compactedThrough: SegmentId;
};

/**
 * Takes the index from the snapshot and the segments after it, or builds it from all segments; a snapshot that was not
 * used is removed. Throws `StoreError`.
 */
export async function readLog(
  db: Database,
  path: string,
  { databaseId, hashSeed }: Identity,
): Promise<ReadLog> {
  const compactedThrough = await readCompactedThrough(db, path);
  const isUsable = async (last: SegmentId): Promise<boolean> => {
    // Older, it would miss what was merged away.
    if (last.number <= compactedThrough.number) return isSameSegment(last, compactedThrough);
    // Newer than the log, it knows of events that were lost with it, and others may have their numbers by now.
    const bytes = await db.get(segmentKey(last.number));
    const segment = bytes && readSegment(last.number, bytes);
    return segment !== undefined && isSameSegment(segment.id, last);
  };
  const snapshot = await readSnapshot(path, databaseId, hashSeed, isUsable);
  const index = snapshot?.index ?? new EventIndex(hashSeed);
  const size: LogSize = { ...(snapshot?.log ?? { segments: 0, records: 0, last: noSegment }) };
  const replay = () => replaySegments(db, path, index, size);
  if (snapshot !== undefined) {
    await replay();
  } else {
    await index.load(replay);
    await removeSnapshot(path);
    // LevelDB keeps the files that it read mapped into memory; after a whole log these are most of what it may.
    await db.close();
    await openAgain(db, path);
  }
  if (size.last.number < compactedThrough.number) size.last = compactedThrough;
  return { index, size, compactedThrough };
}

/** Makes the changes of all segments after `size.last`, and counts them. */
async function replaySegments(db: Database, path: string, index: EventIndex, size: LogSize): Promise<void> {
  const terms = new TermList(index.hasher);
  const range = { gte: segmentKey(size.last.number + 1), lt: segmentsEnd };
  const iterator = db.iterator({
    ...range,
    fillCache: false,
    highWaterMarkBytes: bytesPerRead,
  } as typeof range);
  for (;;) {
    const entries = await iterator.nextv(segmentsPerRead);
    if (entries.length === 0) break;
    for (const [key, value] of entries) {
      const segment = readSegment(segmentNumber(key), value);
      if (segment === undefined)
        throw unreadable(path, `segment ${segmentNumber(key)} of its index is damaged`);
      for (const record of recordsOf(segment)) applyRecord(index, record, terms);
      index.nextSequence = Math.max(index.nextSequence, segment.nextSequence);
      size.segments += 1;
      size.records += segment.recordCount;
      size.last = segment.id;
    }
  }
  await iterator.close();
}

async function readCompactedThrough(db: Database, path: string): Promise<SegmentId> {
  const through = (await readMeta(db, metaKeys.compaction)) ?? noSegment;
  // Earlier programs noted the number alone.
  if (typeof through === 'number') return { life: noSegment.life, number: through };
  const { life, number } = through as Partial<SegmentId>;
  if (typeof life !== 'number' || typeof number !== 'number') {
    throw unreadable(path, 'its compaction mark is damaged');
  }
  return { life, number };
}
