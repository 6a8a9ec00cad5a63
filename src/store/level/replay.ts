import { EventIndex } from '../index/event-index.js';
import { TermList } from '../index/terms.js';
import type { LogSize } from '../log/compaction.js';
import {
  applyRecord,
  isRow,
  isSameSegment,
  noSegment,
  readSegment,
  recordsOf,
  type SegmentId,
} from '../log/segment.js';
import { readSnapshot, removeSnapshot } from '../log/snapshot.js';
import { type Database, damaged, type Identity, openAgain, readMeta } from './database.js';
import { metaKeys, segmentKey } from './keys.js';
import type { Losses } from './losses.js';
import { segmentEntries } from './segment-entries.js';
import { sequencesPerOpening } from './sequences.js';

export type LogOptions = {
  /** Reads all segments, for the damages that this brings out, also where a snapshot would do. */
  readonly readsWholeLog?: boolean;
};

/** The index, and the log that it was built from. */
export type ReadLog = {
  readonly index: EventIndex;
  readonly size: LogSize;
  /** Up to which segment the log was compacted. */
  readonly compactedThrough: SegmentId;
};

/**
 * Takes the index from the snapshot and the segments after it, or builds it from all segments; a snapshot that was not
 * used is removed. What is missing of the log is added to `losses`. Throws `StoreError`.
 */
export async function readLog(
  db: Database,
  path: string,
  { databaseId, hashSeed }: Identity,
  losses: Losses,
  { readsWholeLog = false }: LogOptions,
): Promise<ReadLog> {
  const compactedThrough = await readCompactedThrough(db, path);
  let lostEnd: SegmentId | undefined;
  const isUsable = async (last: SegmentId): Promise<boolean> => {
    // Older, it would miss what was merged away.
    if (last.number <= compactedThrough.number) return isSameSegment(last, compactedThrough);
    // Newer than the log, it knows of events that were lost with it, and others may have their numbers by now.
    const bytes = await db.get(segmentKey(last.number));
    const segment = bytes && readSegment(last.number, bytes);
    if (segment !== undefined && isSameSegment(segment.id, last)) return true;
    lostEnd = last;
    return false;
  };
  const usable = await readSnapshot(path, databaseId, hashSeed, isUsable);
  const snapshot = readsWholeLog ? undefined : usable;
  const index = snapshot?.index ?? new EventIndex(hashSeed);
  const size: LogSize = { ...(snapshot?.log ?? { segments: 0, records: 0, last: noSegment }) };
  const replay = () => replaySegments(db, index, size, losses);
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
  if (lostEnd !== undefined) losses.afterEnd(size.last, lostEnd);
  return { index, size, compactedThrough };
}

/** Makes the changes of all segments after `size.last`, and counts them. Damaged ones are passed over. */
async function replaySegments(db: Database, index: EventIndex, size: LogSize, losses: Losses): Promise<void> {
  const terms = new TermList(index.hasher);
  const damagedNumbers: number[] = [];
  for await (const { number, bytes } of segmentEntries(db, size.last.number + 1)) {
    const segment = bytes && readSegment(number, bytes);
    if (segment === undefined) {
      damagedNumbers.push(number);
      continue;
    }
    let rows = 0;
    const { nextSequence } = index;
    for (const record of recordsOf(segment)) {
      applyRecord(index, record, terms);
      if (isRow(record)) rows += 1;
    }
    const { before } = segment;
    // What earlier programs wrote, and what their compaction left, was not chained.
    if (before !== undefined && before.life !== noSegment.life && !isSameSegment(before, size.last)) {
      const eventsMax = segment.nextSequence - nextSequence - rows;
      losses.between(size.last, before, eventsMax < sequencesPerOpening ? eventsMax : undefined);
    }
    index.nextSequence = Math.max(index.nextSequence, segment.nextSequence);
    size.segments += 1;
    size.records += segment.recordCount;
    size.last = segment.id;
  }
  losses.unreadable(damagedNumbers);
}

async function readCompactedThrough(db: Database, path: string): Promise<SegmentId> {
  const through = (await readMeta(db, metaKeys.compaction)) ?? noSegment;
  // Earlier programs noted the number alone.
  if (typeof through === 'number') return { life: noSegment.life, number: through };
  const { life, number } = through as Partial<SegmentId>;
  if (typeof life !== 'number' || typeof number !== 'number') {
    throw damaged(path, 'its compaction mark is damaged');
  }
  return { life, number };
}
