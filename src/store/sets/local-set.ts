import type { RecordReader } from '../../kernels/kernels.js';
import { TimeRange } from '../../kernels/time-range.js';
import type { Filter } from '../../nostr/filter.js';

/** The (created_at, id) of what a filter matches, to be read until it is disposed of. */
export type LocalSet = RecordReader & Disposable;

/** What a local set holds of a stretch of time, and the hold on that set with it. */
class LocalRange extends TimeRange implements LocalSet {
  readonly #set: LocalSet;

  constructor(set: LocalSet, since: number | bigint, until: number | bigint) {
    super(set, since, until);
    this.#set = set;
  }

  [Symbol.dispose](): void {
    this.#set[Symbol.dispose]();
  }
}

const timestampMax = 2n ** 64n - 1n;

/** The part of a set that lies in the time range of a filter; disposing of it disposes of the set. */
export function withinTimes(set: LocalSet, { since, until }: Pick<Filter, 'since' | 'until'>): LocalSet {
  if (since === undefined && until === undefined) return set;
  return new LocalRange(set, since ?? 0, until ?? timestampMax);
}

/** A set with those who read it. An evicted one does not follow the store any more and lives until they are done. */
export class SharedSet<Set extends LocalSet = LocalSet> {
  readonly set: Set;
  #readers = 0;
  #isEvicted = false;

  constructor(set: Set) {
    this.set = set;
  }

  get size(): number {
    return this.set.size;
  }

  get isRead(): boolean {
    return this.#readers > 0;
  }

  evict(): void {
    this.#isEvicted = true;
    this.#disposeIfUnused();
  }

  /** A reader's hold on the set. */
  lease(): LocalSet {
    const { set } = this;
    let isHeld = true;
    this.#readers += 1;
    return {
      get size() {
        return set.size;
      },
      get version() {
        return set.version;
      },
      timestampAt: (index) => set.timestampAt(index),
      idAt: (index) => set.idAt(index),
      copyIds: (begin, end, target, offset) => set.copyIds(begin, end, target, offset),
      lowerBound: (timestamp, idPrefix, near) => set.lowerBound(timestamp, idPrefix, near),
      fingerprint: (begin, end) => set.fingerprint(begin, end),
      fingerprints: (ranges, target) => set.fingerprints(ranges, target),
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#readers -= 1;
        this.#disposeIfUnused();
      },
    };
  }

  #disposeIfUnused(): void {
    if (this.#isEvicted && this.#readers === 0) this.set[Symbol.dispose]();
  }
}
