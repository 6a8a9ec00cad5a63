import { limits } from '../../config/limits.js';
import type { EventIndex } from '../index/event-index.js';
import type { LogTarget } from './log-target.js';
import {
  isLive,
  noSegment,
  readSegment,
  recordsOf,
  type Segment,
  type SegmentId,
  SegmentWriter,
  segmentBytesOf,
} from './segment.js';

/** What the segments of the index log amount to, kept up to date by those who write them. */
export type LogSize = {
  segments: number;
  records: number;
  bytes: number;
  /** The segment that was written last; no other ever had a higher number. */
  last: SegmentId;
};

/** What is left alone. */
export type CompactionSettings = {
  /** Records of rows that are gone, their bytes, and segments, that are always put up with. */
  readonly recordsIdle: number;
  readonly bytesIdle: number;
  readonly segmentsIdle: number;
  /** So many of the newest segments are never touched, for those who follow the log. */
  readonly segmentsSpared: number;
};

export const usualCompaction: CompactionSettings = {
  recordsIdle: 20_000,
  bytesIdle: 16 * 2 ** 20,
  segmentsIdle: 2_000,
  segmentsSpared: 0,
};

/** A segment should hold that many records on average. */
const recordsPerSegment = 256;

/** A window as it is to be written. */
export type Rewriting = {
  /** Takes the place of the first segment of the window. */
  readonly number: number;
  readonly bytes: Uint8Array;
  /** The others. */
  readonly gone: readonly number[];
  /** Up to which segment the log is compacted then. */
  readonly through: SegmentId;
};

type Window = {
  readonly numbers: readonly number[];
  readonly segments: readonly Segment[];
  readonly bytes: number;
};

/**
 * Keeps the log of the index in proportion to the index. A pass goes over the segments that there are at its
 * beginning, from the oldest on, a window at a time: the records of living rows go into one segment in the place of
 * the window's first, in one atomic write. A record that a row died can go as well, for the row's own record stood
 * in an older segment, which the pass has been through. A pass that is cut short by the end of the process has done
 * no harm, and begins anew.
 */
export class Compaction {
  readonly #target: Pick<LogTarget, 'segments'>;
  readonly #index: EventIndex;
  readonly #size: LogSize;
  readonly #settings: CompactionSettings;
  #through: SegmentId;
  /** Records that the last pass left, and their bytes, of rows that are gone among them: those it could not do away with. */
  #recordsLeft = 0;
  #bytesLeft = 0;
  #pass: { next: number; readonly end: number } | undefined;
  #window: Window | undefined;

  /** `through`: up to which segment the log was compacted. */
  constructor(
    target: Pick<LogTarget, 'segments'>,
    index: EventIndex,
    size: LogSize,
    through: SegmentId,
    settings: CompactionSettings = usualCompaction,
  ) {
    this.#target = target;
    this.#index = index;
    this.#size = size;
    this.#through = through;
    this.#settings = settings;
  }

  /** Whether a pass is under way or pays. */
  isDue(): boolean {
    if (this.#pass !== undefined) return true;
    const { storedCount, refusedCount, livingTerms: terms } = this.#index;
    const { segments, records, bytes } = this.#size;
    const { recordsIdle, bytesIdle, segmentsIdle, segmentsSpared } = this.#settings;
    // A refused row may have two records: it was stored before.
    const needed = storedCount + refusedCount * 2;
    const rows = storedCount + refusedCount;
    // Few records may be most of the log: one has up to 20,000 terms, most have ten.
    const neededBytes = segmentBytesOf({ segments, rows, changes: refusedCount, terms });
    return (
      records > Math.max(needed, this.#recordsLeft) * 1.5 + recordsIdle ||
      bytes > Math.max(neededBytes, this.#bytesLeft) * 1.5 + bytesIdle ||
      segments > needed / recordsPerSegment + segmentsIdle + segmentsSpared
    );
  }

  /**
   * Reads the next window: segments in a row, for a damaged one stays where it is, between those before and after it.
   */
  async prepare(): Promise<void> {
    this.#pass ??= { next: 0, end: this.#size.last.number - this.#settings.segmentsSpared };
    const numbers: number[] = [];
    const segments: Segment[] = [];
    let bytesRead = 0;
    for await (const { number, bytes } of this.#target.segments(this.#pass.next)) {
      if (number > this.#pass.end || bytesRead >= limits.storeCompactionBytesMax) break;
      const segment = bytes && readSegment(number, bytes);
      if (segment === undefined) {
        if (segments.length > 0) break;
        continue;
      }
      numbers.push(number);
      segments.push(segment);
      bytesRead += segment.bytes;
    }
    this.#window = { numbers, segments, bytes: bytesRead };
  }

  /** The rewriting of the window that was read, which is written next; `undefined` where there is nothing to be rewritten. */
  take(): Rewriting | undefined {
    const window = this.#window;
    const pass = this.#pass;
    this.#window = undefined;
    if (window === undefined || pass === undefined) return undefined;
    const [number, ...gone] = window.numbers;
    const last = window.segments.at(-1)?.id;
    if (number === undefined || last === undefined) {
      this.#pass = undefined;
      this.#recordsLeft = this.#size.records;
      this.#bytesLeft = this.#size.bytes;
      return undefined;
    }
    pass.next = (gone.at(-1) ?? number) + 1;
    const writer = new SegmentWriter();
    let records = 0;
    for (const segment of window.segments) {
      records += segment.recordCount;
      for (const record of recordsOf(segment)) if (isLive(this.#index, record)) writer.copy(record);
    }
    if (gone.length === 0 && writer.records === records) return undefined;
    // A later pass begins at the oldest segment again, but what the earlier one left out stays out.
    if (last.number > this.#through.number) this.#through = last;
    this.#size.segments -= gone.length;
    this.#size.records -= records - writer.records;
    // Also where no record is left: the segment after these names the last of them as the one before it.
    const before = window.segments[0]?.before ?? noSegment;
    const bytes = writer.finish(this.#index.nextSequence, before, last);
    this.#size.bytes -= window.bytes - bytes.byteLength;
    return { number, bytes, gone, through: this.#through };
  }
}
