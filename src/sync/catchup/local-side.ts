import { KernelMemoryError } from '../../kernels/errors.js';
import type { Kernels, RecordSet } from '../../kernels/kernels.js';
import type { Filter } from '../../nostr/filter.js';
import { collectKnown, type KnownEvents } from '../../store/sets/known-records.js';
import type { KnownSet } from '../../store/sets/known-set.js';
import { type LocalSet, SharedSet, withinTimes } from '../../store/sets/local-set.js';
import type { CatchupTask } from './filter-catchup.js';

export type LocalSideParts = KnownEvents & { readonly kernels: Kernels; readonly known: KnownSet };

/** The filter of a task with its time range. */
export function filterOf({ filter, range }: CatchupTask): Filter {
  const within: Filter = { ...filter };
  if (range.since > 0) within.since = range.since;
  if (range.until !== undefined) within.until = range.until;
  return within;
}

type Collected = { readonly task: CatchupTask; readonly set: SharedSet<RecordSet> };

/**
 * Our side of the sessions that catch up with one filter: what is stored and what is remembered as refused. It is
 * collected once, in turns of the event loop, and kept for the pieces that the filter is divided into, as long as sessions
 * follow: that takes no more memory than the first session did. What comes meanwhile is not in it; where the remote tells
 * of that, it is known by then.
 */
export class LocalSide implements Disposable {
  readonly #parts: LocalSideParts;
  #collected: Collected | undefined;

  constructor(parts: LocalSideParts) {
    this.#parts = parts;
  }

  /**
   * What is known here of a task, or `undefined` when the kernels cannot hold it at once. Rejects with the signal's
   * reason.
   */
  async open(task: CatchupTask, signal: AbortSignal): Promise<LocalSet | undefined> {
    if (isEverything(task)) return await this.#parts.known.open(filterOf(task), signal);
    if (this.#collected !== undefined && covers(this.#collected.task, task))
      return withinTimes(this.#collected.set.lease(), filterOf(task));
    // Of no use for what follows.
    this[Symbol.dispose]();
    const records = await this.#collect(task, signal);
    if (records === undefined) return undefined;
    const set = new SharedSet(records);
    const lease = set.lease();
    this[Symbol.dispose]();
    this.#collected = { task, set };
    return lease;
  }

  /** Lets go of what was collected; those who read it still do. */
  [Symbol.dispose](): void {
    this.#collected?.set.evict();
    this.#collected = undefined;
  }

  async #collect(task: CatchupTask, signal: AbortSignal): Promise<RecordSet | undefined> {
    const builder = this.#parts.kernels.createRecordSet();
    try {
      await collectKnown(this.#parts, filterOf(task), builder, signal);
      return builder.seal();
    } catch (error) {
      builder[Symbol.dispose]();
      if (error instanceof KernelMemoryError) return undefined;
      throw error;
    }
  }
}

/** Times that divide a set into pieces of about equal size, oldest first. */
export function evenCuts(set: LocalSet, pieces: number): number[] {
  return Array.from({ length: pieces - 1 }, (_, index) =>
    Number(set.timestampAt(Math.floor((set.size * (index + 1)) / pieces))),
  );
}

/** Whether a task asks for all of a stretch of time: what is known of that stands, and is not to be collected. */
export function isEverything({ filter: { since: _, until: __, ...filter } }: CatchupTask): boolean {
  return Object.keys(filter).length === 0;
}

/** Whether all that one task asks for is asked for by another; pieces of a task share its filter. */
function covers(whole: CatchupTask, piece: CatchupTask): boolean {
  const untilOf = ({ range }: CatchupTask) => range.until ?? Number.POSITIVE_INFINITY;
  return (
    piece.filter === whole.filter &&
    piece.range.since >= whole.range.since &&
    untilOf(piece) <= untilOf(whole)
  );
}
