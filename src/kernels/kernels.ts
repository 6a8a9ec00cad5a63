import type { Filter } from '../nostr/filter.js';
import type { FilteredEvent } from '../nostr/filter-match.js';

/**
 * The kernels: the hot paths that are compiled from AssemblyScript. Two implementations stand behind this one
 * interface, `wasm` and `reference` (plain TypeScript), and one conformance suite runs both.
 *
 * A record is 40 bytes: `created_at` as an unsigned 64-bit little-endian number, then the 32 bytes of the id.
 * Records are ordered by (created_at, id), ids compared as byte strings: the order of NIP-77.
 */
export const recordBytes = 40;
/** Where the id begins in a record. */
export const idOffset = 8;
/** Bytes of an event id. */
export const idBytes = 32;
/** Bytes of a range fingerprint (NIP-77). */
export const fingerprintBytes = 16;

export type Kernels = {
  readonly name: 'wasm' | 'reference';
  /** What the kernels hold at the moment, and the most they may hold. */
  memory(): KernelMemory;
  /** An empty set to which records are added in any order; `capacity` is a hint in records. */
  createRecordSet(capacity?: number): RecordSetBuilder;
  /** An empty set to which records are added, and from which they are taken, at any time. */
  createLiveSet(): LiveSet;
  /** An empty collection of filters against which events are matched. */
  createFilterMatcher(): FilterMatcher;
};

export type KernelMemory = {
  readonly bytesInUse: number;
  readonly bytesReserved: number;
  readonly bytesMax: number;
};

/** Collects records. Ends by `seal()` or by `[Symbol.dispose]()`; either gives its memory away or back. */
export type RecordSetBuilder = Disposable & {
  readonly size: number;
  /**
   * Room for `count` more records as a view of their raw bytes (`count · 40`, the record layout above), to be
   * filled at once: the view is valid only until the next call into the kernels.
   * Throws `KernelMemoryError` above the memory limit.
   */
  append(count: number): Uint8Array;
  /** Adds one record; `createdAt` is a whole number ≥ 0. For few records; `append` is for many. */
  add(createdAt: number | bigint, id: Uint8Array): void;
  /** Sorts, drops exact duplicates, prepares range sums. The builder is spent afterwards. */
  seal(): RecordSet;
  /** Sorts and makes a set that records can be added to and taken from. The builder is spent afterwards. */
  toLiveSet(): LiveSet;
};

/**
 * What can be asked of sorted records, by reconciliation above all (NIP-77). Indexes run from 0 to `size`; ranges are
 * half open.
 */
export type RecordReader = {
  readonly size: number;
  /** Another number after every change; an index holds as long as it stays the same. */
  readonly version: number;
  timestampAt(index: number): bigint;
  /** A copy of the 32 bytes of the id. */
  idAt(index: number): Uint8Array;
  /**
   * Copies the ids of the records [begin, end) one after another into `target` at `offset`.
   */
  copyIds(begin: number, end: number, target: Uint8Array, offset: number): void;
  /**
   * The first index whose record is not below the bound (timestamp, idPrefix); a prefix has 0–32 bytes. `near` is any
   * index; the closer it lies to the one that is looked for, the quicker it is found.
   */
  lowerBound(timestamp: bigint, idPrefix: Uint8Array, near?: number): number;
  /**
   * The NIP-77 fingerprint of the records [begin, end): ids summed as 256-bit little-endian numbers mod 2^256,
   * followed by the count as a varint, SHA-256, first 16 bytes.
   */
  fingerprint(begin: number, end: number): Uint8Array;
  /**
   * The fingerprints of many ranges, several at a time, which takes a third of the time of one after another. `ranges`
   * holds begin and end of each, `target` has room for its 16 bytes.
   */
  fingerprints(ranges: Uint32Array, target: Uint8Array): void;
};

/** A sorted, immutable set of records. */
export type RecordSet = Disposable & RecordReader;

/**
 * A sorted set of records that changes: every call takes a time that grows with the logarithm of the size. An index
 * holds until the next change.
 */
export type LiveSet = Disposable &
  RecordReader & {
    /** Adds a record; false when it was there already. Throws `KernelMemoryError` above the memory limit. */
    insert(createdAt: number | bigint, id: Uint8Array): boolean;
    /** Takes a record out; false when it was not there. */
    delete(createdAt: number | bigint, id: Uint8Array): boolean;
  };

/** Many open filters, and which of them match an event. Adding and removing is cheap. */
export type FilterMatcher = Disposable & {
  readonly size: number;
  /** Adds a filter, whose `limit` does not count, and returns its handle: a small whole number, reused after `remove`. */
  add(filter: Filter): number;
  remove(handle: number): void;
  /** The handles of all filters that match as `compileFilter` has it, each once, in no particular order. */
  match(event: FilteredEvent): number[];
};
