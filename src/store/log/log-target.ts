import type { BodyFault } from '../backend.js';
import type { JournalEntry } from '../journal.js';
import type { SegmentId } from './segment.js';

/** What a commit log writes at once. */
export type LogWrite = {
  /** Segments by their numbers; one of an earlier write gives way. */
  readonly segments: Map<number, Uint8Array>;
  /** Numbers of segments that go; none of them is in `segments`. */
  readonly goneSegments: readonly number[];
  /** Sealed bodies (sealed-body.ts) by the sequences of their rows. */
  readonly bodies: Map<number, Uint8Array>;
  /** Sequences of bodies that go; none of them is in `bodies`. */
  readonly goneBodies: readonly number[];
  /** Records of the journal by name; `undefined` for those that go. */
  readonly journal: Map<string, Uint8Array | undefined>;
  /** The reasons of refusal by their numbers, where there are more than before. */
  readonly reasons: readonly string[] | undefined;
  /** Up to which segment the log is compacted with this write, where that changes. */
  readonly compactedThrough: SegmentId | undefined;
};

/** A segment as it lies there; without bytes where these cannot be read. */
export type SegmentEntry = { readonly number: number; readonly bytes: Uint8Array | undefined };

/** The database that a commit log writes to. */
export type LogTarget = {
  /** Writes all of that or nothing; settles when it is as durable as was promised. What rejects is the end of the store. */
  write(write: LogWrite): Promise<void>;
  /** The bodies of rows, checked, or why one is not to be had. Rejects with `StoreError` when nothing can be read. */
  bodies(sequences: readonly number[]): Promise<(Uint8Array | BodyFault)[]>;
  /** All segments from a number on, in their order. */
  segments(first: number): AsyncIterable<SegmentEntry>;
  /** The records of the journal that are there, by name. */
  journal(): AsyncIterable<JournalEntry>;
  /** The store is closed when what waits is written: where that cannot be done, it is given up before long. */
  end(): void;
  close(): Promise<void>;
};
