import { limits } from '../config/limits.js';
import type { RecordSetBuilder } from '../kernels/kernels.js';
import { type Clock, unixSeconds } from '../lib/clock.js';
import type { WorkTurns } from '../lib/turns/turn-scheduler.js';
import type { Address } from '../nostr/address.js';
import type { NostrEvent } from '../nostr/event.js';
import type { Filter } from '../nostr/filter.js';
import type { Backend, BodyFault, StoreParts } from './backend.js';
import type { Departures, StoreChanges } from './changes/stored-changes.js';
import { appendInTurns, RecordAppender } from './collect.js';
import { CountRun, countInTurns } from './count.js';
import type {
  EventStore,
  PutResult,
  PutStatus,
  QueryMemory,
  RemovedEvent,
  StoredEvent,
  StoreObserver,
} from './event-store.js';
import { type FaultOptions, FaultyRows } from './faulty-rows.js';
import type { EventIndex } from './index/event-index.js';
import { FilterPlan } from './index/filter-plan.js';
import { QueryRun, type RowBatch } from './index/filter-stream.js';
import { MatchRun } from './index/match-run.js';
import type { RefusedRows } from './refused/refused-rows.js';
import { keptStates, statusOf } from './rules.js';
import { type BoundedLook, someMatch, someMatchWithin } from './some-match.js';
import { type StoreTurns, spending } from './spending.js';
import { StoredRows } from './stored-rows.js';

/** How the store goes about its work. */
export type IndexedStoreSettings = FaultOptions & StoreTurns;

const nothing: Departures = { removed: [], acceptable: [] };

type Previewed = {
  readonly event: NostrEvent;
  readonly now: number;
  /** Of `StoreChanges`. */
  readonly changes: number;
  readonly status: PutStatus;
};

/** The store over an index and what lies below it: the rules and the queries, the same for LevelDB and memory. */
export class IndexedStore implements EventStore {
  /** With rows that are due to go: questions go to `#current`. */
  readonly #index: EventIndex;
  readonly #backend: Backend;
  readonly #clock: Clock;
  readonly #refused: RefusedRows;
  readonly #events: StoredRows;
  /** Of whoever gives none. */
  readonly #turns: WorkTurns;
  readonly #rowsPerTurn: number;
  readonly #changes: StoreChanges;
  /** What the last event would become, as long as nothing changes: it is asked about right before it is put. */
  #previewed: Previewed | undefined;
  readonly #faulty: FaultyRows;

  constructor(
    parts: StoreParts,
    refused: RefusedRows,
    changes: StoreChanges,
    settings: IndexedStoreSettings,
  ) {
    const { index, backend, clock } = parts;
    this.#index = index;
    this.#backend = backend;
    this.#clock = clock;
    this.#refused = refused;
    this.#changes = changes;
    this.#turns = settings.turns;
    this.#rowsPerTurn = settings.rowsPerTurn;
    this.#faulty = new FaultyRows(index, settings);
    this.#events = new StoredRows(
      index,
      backend,
      () => this.#changes.evictDue(),
      (row, fault) => this.#onFault(row, fault),
    );
  }

  get size(): number {
    return this.#current.storedCount;
  }

  get lastSequence(): number {
    return this.#index.nextSequence - 1;
  }

  put(event: NostrEvent, body?: Uint8Array): PutResult {
    this.#backend.check();
    const status = this.preview(event);
    switch (status) {
      case 'stored':
        return { status, ...this.#changes.take(event, body), written: this.#backend.written() };
      case 'duplicate': {
        const row = this.#index.findStored(event.id);
        const written = this.#backend.writtenRow(this.#index.rows.sequence(row));
        return { status, ...nothing, written };
      }
      case 'ephemeral':
        return { status, ...nothing, written: Promise.resolve() };
      default:
        // Known from now on, so that catch-up does not download it again.
        this.#refused.add(event, status);
        return { status, ...nothing, written: this.unwritten() ?? Promise.resolve() };
    }
  }

  remove(id: string): { readonly removed: boolean; readonly written: Promise<void> } {
    this.#backend.check();
    const row = this.#current.findStored(id);
    if (row < 0) return { removed: false, written: Promise.resolve() };
    this.#changes.remove(row);
    return { removed: true, written: this.#backend.written() };
  }

  takeAway(ids: readonly string[], reason: string): Pick<PutResult, 'removed' | 'written'> {
    this.#backend.check();
    const removed = ids.flatMap((id) => {
      const row = this.#current.findStored(id);
      return row < 0 ? [] : [this.#changes.takeAway(row, reason)];
    });
    return { removed, written: removed.length > 0 ? this.#backend.written() : Promise.resolve() };
  }

  has(id: string): boolean {
    return this.#current.findStored(id) >= 0;
  }

  kindOf(id: string): number | undefined {
    const row = this.#current.findStored(id);
    return row < 0 ? undefined : this.#index.rows.kind(row);
  }

  hasAt(address: Address): boolean {
    return this.#current.standingAt(address).length > 0;
  }

  authorOf(id: string): string | undefined {
    const row = this.#current.findStored(id);
    return row < 0 ? undefined : this.#index.authors.hex(this.#index.rows.author(row));
  }

  preview(event: NostrEvent): PutStatus {
    const now = unixSeconds(this.#clock);
    const last = this.#previewed;
    if (last?.event === event && last.now === now && last.changes === this.#changes.count) return last.status;
    const status = statusOf(this.#current, event, now);
    this.#previewed = { event, now, changes: this.#changes.count, status };
    return status;
  }

  some(filter: Filter, look?: BoundedLook): boolean {
    return look ? someMatchWithin(this.#current, filter, look) : someMatch(this.#current, filter);
  }

  count(filters: readonly Filter[]): number {
    const run = new CountRun(this.#current, filters);
    run.next({ visits: Number.POSITIVE_INFINITY });
    return run.count;
  }

  async countInTurns(
    filters: readonly Filter[],
    signal?: AbortSignal,
    turns: WorkTurns = this.#turns,
    memory?: QueryMemory,
  ): Promise<number> {
    const pace = { turns, rowsPerTurn: this.#rowsPerTurn };
    return await countInTurns(this.#current, filters, pace, () => this.#nextTurn(turns, signal), memory);
  }

  query(
    filters: readonly Filter[],
    turns: WorkTurns = this.#turns,
    memory?: QueryMemory,
  ): AsyncIterable<readonly StoredEvent[]> {
    const run = new QueryRun(this.#current, filters);
    const next = (): RowBatch =>
      spending(turns, this.#rowsPerTurn, (budget) => run.next(budget, limits.storeQueryFoundRowsMax));
    // The first turn is taken now, so that the answer is of the state at the call.
    return this.#events.stream(next(), next, turns, memory);
  }

  async get(id: string): Promise<StoredEvent | undefined> {
    const row = this.#current.findStored(id);
    if (row < 0) return undefined;
    return await this.#events.one(row);
  }

  ids(filter: Filter): string[];
  ids(filter: Filter, rowsMax: number): string[] | undefined;
  ids(filter: Filter, rowsMax = Number.POSITIVE_INFINITY): string[] | undefined {
    const plan = new FilterPlan(this.#current, filter, 'stored');
    if (plan.visits > rowsMax) return undefined;
    const ids: string[] = [];
    plan.forEachMatch((row) => {
      ids.push(this.#index.rows.idHex(row));
      return true;
    });
    return ids;
  }

  idsInTurns(filter: Filter, idsPerTurn: number): AsyncIterable<readonly string[]> {
    const run = new QueryRun(this.#current, [filter]);
    const next = () => run.next({ visits: this.#rowsPerTurn }, idsPerTurn);
    return this.#events.ids(next, () => this.#nextTurn(this.#turns));
  }

  collect(filter: Filter, target: RecordSetBuilder): void {
    const run = new MatchRun(this.#current, filter, 'stored');
    const appender = new RecordAppender(this.#index.rows, target);
    run.next({ visits: Number.POSITIVE_INFINITY }, (row) => appender.add(row));
    appender.flush();
  }

  async collectInTurns(
    filter: Filter,
    recordsMax: number,
    target: RecordSetBuilder,
    signal?: AbortSignal,
    turns: WorkTurns = this.#turns,
  ): Promise<boolean> {
    const { rowsMax } = new FilterPlan(this.#current, filter, 'stored');
    if (rowsMax > recordsMax && (await this.countInTurns([filter], signal, turns)) > recordsMax) return false;
    const run = new MatchRun(this.#current, filter, 'stored');
    const appender = new RecordAppender(this.#index.rows, target);
    const rowsPerTurn = this.#rowsPerTurn;
    await appendInTurns(run, appender, { turns, rowsPerTurn }, () => this.#nextTurn(turns, signal));
    return true;
  }

  removeExpired(): ReturnType<EventStore['removeExpired']> {
    // One that only follows takes nothing, and has events expire all the same.
    if (this.#backend.isStopped) this.#backend.check();
    this.#changes.evictDue();
    const departed = this.#changes.departed();
    const isChanged = departed.removed.length + departed.lost.length > 0;
    const written = isChanged ? this.#backend.written() : Promise.resolve();
    return { ...departed, written };
  }

  observe(observer: StoreObserver): void {
    this.#changes.observe(observer);
  }

  unwritten(): Promise<void> | undefined {
    return this.#backend.unwritten();
  }

  forEachKept(visit: (event: Pick<RemovedEvent, 'pubkey' | 'kind' | 'bytes'>) => void): void {
    const { rows, authors } = this.#current;
    const keys = new Map<number, string>();
    for (let row = 0; row < rows.end; row += 1) {
      const state = rows.state(row);
      if (!keptStates.has(state)) continue;
      const author = rows.author(row);
      let pubkey = keys.get(author);
      if (pubkey === undefined) {
        pubkey = authors.hex(author);
        keys.set(author, pubkey);
      }
      visit({ pubkey, kind: rows.kind(row), bytes: 2 ** rows.sizeLog(row) });
    }
  }

  async flush(): Promise<void> {
    await this.#backend.written();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#changes.end();
    this.#refused.end();
    await this.#backend.close();
  }

  /** The index without what has expired by now (NIP-40). */
  get #current(): EventIndex {
    this.#changes.evictDue();
    return this.#index;
  }

  /** Lets the event loop do all else, and comes back when it is this work's turn. */
  async #nextTurn(turns: WorkTurns, signal?: AbortSignal): Promise<void> {
    await turns.next(signal);
    this.#changes.evictDue();
  }

  /** The event of a stored row is not to be had. */
  #onFault(row: number, fault: BodyFault): void {
    if (this.#faulty.isToGo(row, fault) && !this.#backend.isStopped) this.#changes.lose(row);
  }
}
