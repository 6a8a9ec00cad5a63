import type { LogSize } from '../log/compaction.js';
import type { LogTarget, SegmentEntry } from '../log/log-target.js';
import type { SegmentId } from '../log/segment.js';

/** What came to a log behind a segment, and what is known of all of it, as it was at one moment. */
export type LogPiece = {
  /** The next segments in their order; as many as may be in memory at once, but one at least where there are any. */
  readonly segments: readonly SegmentEntry[];
  /** The highest number that a segment has; 0 where there is none. */
  readonly end: number;
  /** Up to which segment the log is compacted. */
  readonly compactedThrough: SegmentId;
};

/** A log that another process writes. All of it rejects with `StoreError`. */
export type LogTail = Pick<LogTarget, 'bodies'> & {
  /** What came behind the segment with that number. Rejects with `store_left_behind` where the log is another one by now. */
  after(number: number): Promise<LogPiece>;
  /** What the segments up to that number amount to by now. */
  sizeThrough(number: number): Promise<Omit<LogSize, 'last'>>;
};
