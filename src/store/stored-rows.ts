import { limits } from '../config/limits.js';
import type { WorkTurns } from '../lib/work-turns.js';
import type { Backend } from './backend.js';
import type { StoredEvent } from './event-store.js';
import type { EventIndex } from './index/event-index.js';
import type { FoundRow, RowBatch } from './index/filter-stream.js';
import { rowState } from './index/row-table.js';

/** Reads the events of the rows that a query finds, a few at a time. */
export class StoredRows {
  readonly #index: EventIndex;
  readonly #backend: Backend;
  readonly #letGoDue: () => void;

  /** `letGoDue` lets go of what has expired by now. */
  constructor(index: EventIndex, backend: Backend, letGoDue: () => void) {
    this.#index = index;
    this.#backend = backend;
    this.#letGoDue = letGoDue;
  }

  /**
   * The events of what was found, in chunks that fit in memory, then of what `next` finds, until that is done. Each
   * chunk, and each batch, but for the first takes one of the turns.
   */
  async *stream(
    first: RowBatch,
    next: () => RowBatch,
    turns: WorkTurns,
  ): AsyncGenerator<readonly StoredEvent[]> {
    for (let batch = first; ; batch = next()) {
      // While one chunk is on its way to the client the next one is read.
      let reading: Promise<StoredEvent[]> | undefined;
      for (const chunk of chunksOf(batch.found)) {
        const ready = reading;
        reading = this.#read(chunk);
        // Whoever leaves early does not want to know how the read that runs ends.
        reading.catch(() => {});
        const events = (await ready) ?? [];
        if (events.length === 0) continue;
        yield events;
        await turns.next();
      }
      const last = (await reading) ?? [];
      if (last.length > 0) yield last;
      if (batch.done) return;
      await turns.next();
      this.#letGoDue();
    }
  }

  /** The events of those rows that are still there. */
  async #read(found: readonly FoundRow[]): Promise<StoredEvent[]> {
    this.#letGoDue();
    const sequences: number[] = [];
    for (const { row, sequence } of found)
      if (this.#index.isCurrent(row, sequence, isStored)) sequences.push(sequence);
    const events = await this.#backend.read(sequences);
    return events.filter((event) => event !== undefined);
  }
}

const isStored = (state: number): boolean => state === rowState.stored;

/** Cuts what was found into pieces whose bodies may be in memory at once. */
function* chunksOf(found: readonly FoundRow[]): Generator<readonly FoundRow[]> {
  let begin = 0;
  let bytes = 0;
  for (const [at, { sizeLog }] of found.entries()) {
    // Far below 31: messages and imported lines are bounded.
    const size = 1 << sizeLog;
    const full = bytes + size > limits.storeReadBytesMax || at - begin >= limits.storeReadEventsMax;
    if (full && at > begin) {
      yield found.slice(begin, at);
      begin = at;
      bytes = 0;
    }
    bytes += size;
  }
  if (begin < found.length) yield found.slice(begin);
}
