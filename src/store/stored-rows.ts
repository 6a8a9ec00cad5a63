import { limits } from '../config/limits.js';
import type { WorkTurns } from '../lib/turns/turn-scheduler.js';
import type { Backend, BodyFault } from './backend.js';
import type { QueryMemory, StoredEvent } from './event-store.js';
import type { EventIndex } from './index/event-index.js';
import type { FoundRow, RowBatch } from './index/filter-stream.js';
import { rowState } from './index/rows/row-table.js';

/** Bytes of a row that was found, with its places in lists, and of an event that was read beside its text. */
const foundRowBytes = 80;
const readEventBytes = 384;

/** Reads the events of the rows that a query finds, a few at a time. */
export class StoredRows {
  readonly #index: EventIndex;
  readonly #backend: Backend;
  readonly #evictDue: () => void;
  readonly #onFault: (row: number, fault: BodyFault) => void;

  /** `evictDue` lets go of what has expired by now; `onFault` is told of a stored row whose event is not to be had. */
  constructor(
    index: EventIndex,
    backend: Backend,
    evictDue: () => void,
    onFault: (row: number, fault: BodyFault) => void,
  ) {
    this.#index = index;
    this.#backend = backend;
    this.#evictDue = evictDue;
    this.#onFault = onFault;
  }

  /** The event of one row. */
  async one(row: number): Promise<StoredEvent | undefined> {
    const [event] = await this.#events([{ row, sequence: this.#index.rows.sequence(row) }]);
    return event;
  }

  /**
   * The events of what was found, in chunks that fit in memory, then of what `next` finds, until that is done. Each
   * batch but the first takes one of the turns, and so do chunks when a turn is over. `memory` is told what is held, of the
   * first batch at once, and throws where it is too much.
   */
  stream(
    first: RowBatch,
    next: () => RowBatch,
    turns: WorkTurns,
    memory: QueryMemory = noMemory,
  ): AsyncGenerator<readonly StoredEvent[]> {
    memory.hold(rowBytesOf(first));
    return this.#chunks(first, next, turns, memory);
  }

  async *#chunks(
    first: RowBatch,
    next: () => RowBatch,
    turns: WorkTurns,
    memory: QueryMemory,
  ): AsyncGenerator<readonly StoredEvent[]> {
    for (let batch = first; ; batch = next()) {
      const rowBytes = rowBytesOf(batch);
      let bytesBefore = 0;
      // While one chunk is on its way to the client the next one is read.
      let reading: Promise<StoredEvent[]> | undefined;
      for (const { chunk, bytes } of chunksOf(batch.found)) {
        memory.hold(rowBytes + bytesBefore + bytes);
        bytesBefore = bytes;
        const ready = reading;
        reading = this.#read(chunk, turns);
        // Whoever leaves early does not want to know how the read that runs ends.
        reading.catch(() => {});
        const events = (await ready) ?? [];
        if (events.length === 0) continue;
        yield events;
        if (turns.isOver) await turns.next();
      }
      const last = (await reading) ?? [];
      if (last.length > 0) yield last;
      if (batch.done) return;
      await turns.next();
      this.#evictDue();
    }
  }

  /** The ids of what `next` finds and is still there, one batch after the other, with `nextTurn` in between. */
  async *ids(next: () => RowBatch, nextTurn: () => Promise<void>): AsyncGenerator<readonly string[]> {
    for (;;) {
      const { found, done } = next();
      yield this.#standing(found).map(({ row }) => this.#index.rows.idHex(row));
      await nextTurn();
      if (done) return;
    }
  }

  /** The events of those rows that are still there. */
  #read(found: readonly FoundRow[], turns: WorkTurns): Promise<StoredEvent[]> {
    this.#evictDue();
    return this.#events(this.#standing(found), turns);
  }

  #standing(found: readonly FoundRow[]): readonly FoundRow[] {
    return found.filter(({ row, sequence }) => this.#index.isCurrent(row, sequence, isStored));
  }

  /** One that is not to be had costs the answer this one only. */
  async #events(
    rows: readonly Pick<FoundRow, 'row' | 'sequence'>[],
    turns?: WorkTurns,
  ): Promise<StoredEvent[]> {
    const read = await this.#backend.read(
      rows.map(({ sequence }) => sequence),
      turns,
    );
    if (read.every(isEvent)) return read;
    return read.filter((event, at): event is StoredEvent => {
      if (isEvent(event)) return true;
      const { row, sequence } = rows[at]!;
      // Its body may have gone with it while it was read.
      if (this.#index.isCurrent(row, sequence, isStored)) this.#onFault(row, event);
      return false;
    });
  }
}

const isEvent = (read: StoredEvent | BodyFault): read is StoredEvent => typeof read !== 'string';

const isStored = (state: number): boolean => state === rowState.stored;

const noMemory: QueryMemory = { hold() {} };

function rowBytesOf({ found, left }: RowBatch): number {
  return (found.length + left) * foundRowBytes;
}

/** Cuts what was found into pieces whose bodies may be in memory at once; `bytes` is what each then takes, or less. */
function* chunksOf(found: readonly FoundRow[]): Generator<{ chunk: readonly FoundRow[]; bytes: number }> {
  const chunkOf = (from: number, to: number, bytes: number) => ({
    chunk: found.slice(from, to),
    bytes: bytes + (to - from) * readEventBytes,
  });
  let begin = 0;
  let bytes = 0;
  for (let at = 0; at < found.length; at += 1) {
    // Far below 31: messages and imported lines are bounded.
    const size = 1 << found[at]!.sizeLog;
    const full = bytes + size > limits.storeReadBytesMax || at - begin >= limits.storeReadEventsMax;
    if (full && at > begin) {
      yield chunkOf(begin, at, bytes);
      begin = at;
      bytes = 0;
    }
    bytes += size;
  }
  if (begin < found.length) yield chunkOf(begin, found.length, bytes);
}
