import { EventIndex } from '../index/event-index.js';
import { TermList } from '../index/terms.js';
import type { LogSize } from './compaction.js';
import type { LogTarget } from './log-target.js';
import type { Losses } from './losses.js';
import {
  applyRecord,
  isRow,
  isSameSegment,
  noSegment,
  readSegment,
  recordsOf,
  type SegmentId,
} from './segment.js';
import { readSnapshot, removeSnapshot } from './snapshot.js';

/** Sequences that an opening of the store has for itself: more than it ever gives, and room for 2^25 openings. */
export const sequencesPerOpening = 2 ** 28;

/** What stands in a database about itself. */
export type Identity = {
  /** Tells a snapshot of this database from that of another. */
  readonly databaseId: string;
  /** The secret of the term hashes: 8 bytes. */
  readonly hashSeed: Uint8Array;
};

export type LogOptions = {
  /** Reads all segments, for the damages that this brings out, also where a snapshot would do. */
  readonly readsWholeLog?: boolean;
};

/** A log, and the folder of the snapshot that may be of it. */
export type LogSource = Identity & {
  readonly segments: LogTarget['segments'];
  readonly path: string;
  /** Up to which segment the log was compacted. */
  readonly compactedThrough: SegmentId;
};

/** The index, and the log that it was built from. */
export type ReadLog = {
  readonly index: EventIndex;
  readonly size: LogSize;
  /** Whether all segments were read. */
  readonly isWhole: boolean;
};

/**
 * Takes the index from the snapshot and the segments after it, or builds it from all segments; a snapshot that was not
 * used is removed. What is missing of the log is added to `losses`.
 */
export async function readLog(
  { databaseId, hashSeed, segments, path, compactedThrough }: LogSource,
  losses: Losses,
  { readsWholeLog = false }: LogOptions = {},
): Promise<ReadLog> {
  let lostEnd: SegmentId | undefined;
  const isUsable = async (last: SegmentId): Promise<boolean> => {
    // Older, it would miss what was merged away.
    if (last.number <= compactedThrough.number) return isSameSegment(last, compactedThrough);
    // Newer than the log, it knows of events that were lost with it, and others may have their numbers by now.
    const id = await idOfSegment(segments, last.number);
    if (id !== undefined && isSameSegment(id, last)) return true;
    lostEnd = last;
    return false;
  };
  const usable = await readSnapshot(path, databaseId, hashSeed, isUsable);
  const snapshot = readsWholeLog ? undefined : usable;
  const index = snapshot?.index ?? new EventIndex(hashSeed);
  const size: LogSize = { ...(snapshot?.log ?? { segments: 0, records: 0, bytes: 0, last: noSegment }) };
  const replay = () => replaySegments(segments, index, size, losses);
  if (snapshot !== undefined) {
    await replay();
  } else {
    await index.load(replay);
    await removeSnapshot(path);
  }
  if (size.last.number < compactedThrough.number) size.last = compactedThrough;
  if (lostEnd !== undefined) losses.afterEnd(size.last, lostEnd);
  return { index, size, isWhole: snapshot === undefined };
}

/** Which segment has that number; `undefined` where there is none, or it is damaged. */
async function idOfSegment(segments: LogTarget['segments'], number: number): Promise<SegmentId | undefined> {
  for await (const entry of segments(number))
    return entry.number === number && entry.bytes ? readSegment(number, entry.bytes)?.id : undefined;
  return undefined;
}

/** Makes the changes of all segments after `size.last`, and counts them. Damaged ones are passed over. */
async function replaySegments(
  segments: LogTarget['segments'],
  index: EventIndex,
  size: LogSize,
  losses: Losses,
): Promise<void> {
  const terms = new TermList(index.hasher);
  const damagedNumbers: number[] = [];
  for await (const { number, bytes } of segments(size.last.number + 1)) {
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
    size.bytes += segment.bytes;
    size.last = segment.id;
  }
  losses.unreadable(damagedNumbers);
}
