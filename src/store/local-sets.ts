import { limits } from '../config/limits.js';
import { KernelMemoryError } from '../kernels/errors.js';
import { type Kernels, type RecordReader, recordBytes, type StandingSet } from '../kernels/kernels.js';
import { fromHex } from '../lib/bytes.js';
import type { NostrEvent } from '../nostr/event.js';
import { type Filter, matchesFilter } from '../nostr/filter.js';
import type { EventStore, RemovedEvent } from './event-store.js';

/** The (created_at, id) of what a filter matches, to be read until it is disposed of. */
export type LocalSet = RecordReader & Disposable;

type Standing = { readonly filter: Filter; readonly set: StandingSet; readers: number; isEvicted: boolean };

/** A filter that matches every stored event. */
const everything = JSON.stringify({});

/**
 * The local sets of reconciliation (NIP-77). A filter that is asked for again gets a set that stands: it follows the
 * store by itself, so that the next reconciliation starts at once. Standing sets are bounded in number and memory; the
 * one that was used least recently gives way.
 *
 * A set that stands changes while it is read: whoever reads it over several messages sees each time what is stored
 * then.
 */
export class LocalSets {
  readonly #store: Pick<EventStore, 'collect' | 'count'>;
  readonly #kernels: Kernels;
  /** By filter; the least recently used first. */
  readonly #standing = new Map<string, Standing>();
  /** Filters that were asked for once, the oldest first. */
  readonly #askedOnce = new Set<string>();

  constructor(store: Pick<EventStore, 'collect' | 'count' | 'observe'>, kernels: Kernels) {
    this.#store = store;
    this.#kernels = kernels;
    store.observe({ added: (event) => this.#add(event), removed: (event) => this.#remove(event) });
  }

  /** How many sets stand. */
  get standing(): number {
    return this.#standing.size;
  }

  /**
   * What the filter matches now (`limit` does not count), or `undefined` when that is more than `recordsMax`. Throws
   * `KernelMemoryError`.
   */
  open(filter: Filter, recordsMax: number): LocalSet | undefined {
    const key = keyOf(filter);
    const standing = this.#standing.get(key);
    if (standing !== undefined) {
      this.#standing.delete(key);
      this.#standing.set(key, standing);
      return standing.set.size > recordsMax ? undefined : lease(standing);
    }
    using builder = this.#kernels.createRecordSet();
    if (this.#store.count([filter]) > recordsMax) return undefined;
    this.#store.collect(filter, builder);
    if (!this.#isWorthStanding(key, builder.size)) return builder.seal();
    const fresh = { filter, set: builder.stand(), readers: 0, isEvicted: false };
    this.#standing.set(key, fresh);
    this.#makeRoom();
    return lease(fresh);
  }

  #isWorthStanding(key: string, records: number): boolean {
    if (records < limits.standingSetRecordsMin) return false;
    const memory = this.#kernels.memory();
    if (records * recordBytes * 2 > memory.bytesMax * limits.standingSetsMemoryShareMax) return false;
    if (key === everything || this.#askedOnce.delete(key)) return true;
    this.#askedOnce.add(key);
    for (const oldest of this.#askedOnce) {
      if (this.#askedOnce.size <= limits.standingCandidatesMax) break;
      this.#askedOnce.delete(oldest);
    }
    return false;
  }

  #makeRoom(): void {
    const bytesMax = this.#kernels.memory().bytesMax * limits.standingSetsMemoryShareMax;
    let bytes = 0;
    for (const { set } of this.#standing.values()) bytes += set.size * recordBytes;
    for (const [key, oldest] of this.#standing) {
      if (this.#standing.size <= limits.standingSetsMax && bytes <= bytesMax) return;
      if (this.#standing.size === 1) return;
      bytes -= oldest.set.size * recordBytes;
      this.#evict(key, oldest);
    }
  }

  #evict(key: string, standing: Standing): void {
    this.#standing.delete(key);
    standing.isEvicted = true;
    if (standing.readers === 0) standing.set[Symbol.dispose]();
  }

  #add(event: NostrEvent): void {
    if (this.#standing.size === 0) return;
    const id = fromHex(event.id);
    for (const [key, standing] of this.#standing) {
      if (!matchesFilter(standing.filter, event)) continue;
      try {
        standing.set.insert(event.created_at, id);
      } catch (error) {
        if (!(error instanceof KernelMemoryError)) throw error;
        // A set that cannot follow must not be read any more; the next one who asks gets a fresh one, or the reason.
        this.#evict(key, standing);
      }
    }
  }

  #remove({ created_at, id }: RemovedEvent): void {
    if (this.#standing.size === 0) return;
    const bytes = fromHex(id);
    for (const { set } of this.#standing.values()) set.delete(created_at, bytes);
  }
}

/** The same for filters that differ only in the order of their fields and values. */
function keyOf({ limit: _, ...filter }: Filter): string {
  const fields = Object.entries(filter).map(([name, value]): [string, unknown] => [
    name,
    Array.isArray(value) ? [...value].sort() : value,
  ]);
  return JSON.stringify(Object.fromEntries(fields.sort(([a], [b]) => (a < b ? -1 : 1))));
}

/** A reader's hold on a standing set, which lives until the last reader of an evicted one is done. */
function lease(standing: Standing): LocalSet {
  const { set } = standing;
  let isHeld = true;
  standing.readers += 1;
  return {
    get size() {
      return set.size;
    },
    timestampAt: (index) => set.timestampAt(index),
    idAt: (index) => set.idAt(index),
    copyIds: (begin, end, target, offset) => set.copyIds(begin, end, target, offset),
    lowerBound: (timestamp, idPrefix, near) => set.lowerBound(timestamp, idPrefix, near),
    fingerprint: (begin, end) => set.fingerprint(begin, end),
    fingerprints: (ranges, target) => set.fingerprints(ranges, target),
    [Symbol.dispose]() {
      if (!isHeld) return;
      isHeld = false;
      standing.readers -= 1;
      if (standing.isEvicted && standing.readers === 0) set[Symbol.dispose]();
    },
  };
}
