import { limits } from '../config/limits.js';
import type { RecordSetBuilder } from '../kernels/kernels.js';
import { type Clock, unixSeconds } from '../lib/clock.js';
import { eventBytes, expirationOf, type NostrEvent } from '../nostr/event.js';
import type { Filter } from '../nostr/filter.js';
import type { Backend } from './backend.js';
import { collectRows } from './collect.js';
import type {
  EventStore,
  PutResult,
  PutStatus,
  RemovedEvent,
  StoredEvent,
  StoreObserver,
} from './event-store.js';
import { type EventIndex, rowKeys } from './index/event-index.js';
import { FilterPlan } from './index/filter-plan.js';
import { type FoundRow, QueryRun, type RowBatch } from './index/filter-stream.js';
import { RowSet } from './index/row-set.js';
import { rowState } from './index/row-table.js';
import { TermList } from './index/terms.js';
import type { OwnReason, Reasons } from './reasons.js';
import type { RefusedRows } from './refused-rows.js';
import { deletedRows, replacedRows, statusOf } from './rules.js';

/** The parts of a store that work on the same index. */
export type StoreParts = {
  readonly index: EventIndex;
  readonly backend: Backend;
  readonly reasons: Reasons;
  readonly clock: Clock;
};

const nothing: readonly RemovedEvent[] = [];

/** The store over an index and what lies below it: the rules and the queries, the same for LevelDB and memory. */
export class IndexedStore implements EventStore {
  readonly #index: EventIndex;
  readonly #backend: Backend;
  readonly #reasons: Reasons;
  readonly #clock: Clock;
  readonly #refused: RefusedRows;
  readonly #terms: TermList;
  readonly #observers: StoreObserver[] = [];

  constructor({ index, backend, reasons, clock }: StoreParts, refused: RefusedRows) {
    this.#index = index;
    this.#backend = backend;
    this.#reasons = reasons;
    this.#clock = clock;
    this.#refused = refused;
    this.#terms = new TermList(index.hasher);
  }

  get size(): number {
    return this.#index.storedCount;
  }

  put(event: NostrEvent): PutResult {
    this.#backend.check();
    const status = this.preview(event);
    switch (status) {
      case 'stored':
        return { status, removed: this.#take(event), written: this.#backend.written() };
      case 'duplicate': {
        const row = this.#index.findStored(event.id);
        const written = this.#backend.writtenRow(this.#index.rows.sequence(row));
        return { status, removed: nothing, written };
      }
      case 'ephemeral':
        return { status, removed: nothing, written: Promise.resolve() };
      default:
        // Known from now on, so that catch-up does not download it again.
        this.#refused.add(event, status);
        return { status, removed: nothing, written: Promise.resolve() };
    }
  }

  remove(id: string): { readonly removed: boolean; readonly written: Promise<void> } {
    this.#backend.check();
    const row = this.#index.findStored(id);
    if (row < 0) return { removed: false, written: Promise.resolve() };
    this.#letGo(row, 'removed');
    return { removed: true, written: this.#backend.written() };
  }

  has(id: string): boolean {
    return this.#index.findStored(id) >= 0;
  }

  preview(event: NostrEvent): PutStatus {
    return statusOf(this.#index, event, unixSeconds(this.#clock));
  }

  some(filter: Filter): boolean {
    let found = false;
    new FilterPlan(this.#index, filter, 'stored').forEachMatch(() => {
      found = true;
      return false;
    });
    return found;
  }

  count(filters: readonly Filter[]): number {
    const seen = filters.length > 1 ? new RowSet(this.#index.rows.end) : undefined;
    let count = 0;
    for (const filter of filters) {
      new FilterPlan(this.#index, filter, 'stored').forEachMatch((row) => {
        if (seen?.add(row) !== false) count += 1;
        return true;
      });
    }
    return count;
  }

  query(filters: readonly Filter[]): AsyncIterable<readonly StoredEvent[]> {
    const run = new QueryRun(this.#index, filters, limits.storeQueryRowsPerTurn);
    // The first turn is taken now, so that the answer is of the state at the call.
    return this.#stream(run, run.next(limits.storeQueryFoundRowsMax));
  }

  async get(id: string): Promise<StoredEvent | undefined> {
    const row = this.#index.findStored(id);
    if (row < 0) return undefined;
    const [stored] = await this.#backend.read([this.#index.rows.sequence(row)]);
    return stored;
  }

  collect(filter: Filter, target: RecordSetBuilder): void {
    collectRows(this.#index, filter, 'stored', target);
  }

  removeExpired(): { readonly removed: readonly RemovedEvent[]; readonly written: Promise<void> } {
    this.#backend.check();
    const { expirations } = this.#index;
    const now = unixSeconds(this.#clock);
    const removed: RemovedEvent[] = [];
    while (expirations.size > 0 && expirations.time <= now) {
      const { row, sequence } = expirations;
      expirations.pop();
      if (!this.#index.isCurrent(row, sequence, (state) => state === rowState.stored)) continue;
      removed.push(this.#index.removedEvent(row));
      this.#letGo(row, 'expired');
    }
    return { removed, written: removed.length > 0 ? this.#backend.written() : Promise.resolve() };
  }

  observe(observer: StoreObserver): void {
    this.#observers.push(observer);
  }

  async flush(): Promise<void> {
    await this.#backend.written();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#backend.close();
  }

  /** Takes an event for which `preview` says `stored`; gives what it removed. */
  #take(event: NostrEvent): readonly RemovedEvent[] {
    this.#refused.delete(event.id);
    const replaced = replacedRows(this.#index, event);
    const deleted = deletedRows(this.#index, event);
    const removed = [...replaced, ...deleted].map((row) => this.#index.removedEvent(row));
    for (const row of replaced) this.#letGo(row, 'superseded');
    for (const row of deleted) this.#letGo(row, 'deleted');
    const time = expirationOf(event) ?? 0;
    this.#terms.setEvent(event);
    const row = this.#index.insert(
      {
        ...rowKeys(event),
        createdAt: event.created_at,
        kind: event.kind,
        sequence: this.#index.nextSequence,
        state: rowState.stored,
        sizeLog: Math.ceil(Math.log2(eventBytes(event))),
        time,
      },
      this.#terms,
    );
    this.#backend.added(row, this.#terms, time, event);
    for (const observer of this.#observers) observer.added(event);
    return removed;
  }

  /** Makes a stored row a refused one. */
  #letGo(row: number, reason: OwnReason): void {
    const time = unixSeconds(this.#clock);
    const removed = this.#index.removedEvent(row);
    this.#index.refuse(row, this.#reasons.stateOf(reason), time);
    this.#backend.changed(row, time, true);
    this.#refused.makeRoom();
    for (const observer of this.#observers) observer.removed(removed);
  }

  async *#stream(run: QueryRun, first: RowBatch): AsyncGenerator<readonly StoredEvent[]> {
    for (let batch = first; ; batch = run.next(limits.storeQueryFoundRowsMax)) {
      // While one chunk is on its way to the client the next one is read.
      let reading: Promise<StoredEvent[]> | undefined;
      for (const chunk of chunksOf(batch.found)) {
        const ready = reading;
        reading = this.#read(chunk);
        // Whoever leaves early does not want to know how the read that runs ends.
        reading.catch(() => {});
        const events = (await ready) ?? [];
        if (events.length > 0) yield events;
      }
      const last = (await reading) ?? [];
      if (last.length > 0) yield last;
      if (batch.done) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** The events of those rows that are still there. */
  async #read(found: readonly FoundRow[]): Promise<StoredEvent[]> {
    const isStored = (state: number) => state === rowState.stored;
    const sequences = found
      .filter(({ row, sequence }) => this.#index.isCurrent(row, sequence, isStored))
      .map(({ sequence }) => sequence);
    const events = await this.#backend.read(sequences);
    return events.filter((event) => event !== undefined);
  }
}

/** Cuts what was found into pieces whose bodies may be in memory at once. */
function* chunksOf(found: readonly FoundRow[]): Generator<readonly FoundRow[]> {
  let begin = 0;
  let bytes = 0;
  for (const [at, { sizeLog }] of found.entries()) {
    const size = 2 ** sizeLog;
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
