import { limits } from '../config/limits.js';
import type { RecordSetBuilder } from '../kernels/kernels.js';
import { type Clock, unixSeconds } from '../lib/clock.js';
import type { WorkTurns } from '../lib/work-turns.js';
import { eventBytes, expirationOf, type NostrEvent } from '../nostr/event.js';
import type { Filter } from '../nostr/filter.js';
import type { Backend, BodyFault, StoreParts } from './backend.js';
import { RecordAppender } from './collect.js';
import { CountRun } from './count.js';
import type {
  EventStore,
  PutResult,
  PutStatus,
  RemovedEvent,
  StoredEvent,
  StoreObserver,
} from './event-store.js';
import { type FaultOptions, FaultyRows } from './faulty-rows.js';
import { type EventIndex, rowKeys } from './index/event-index.js';
import { FilterPlan } from './index/filter-plan.js';
import { QueryRun, type RowBatch, type VisitBudget } from './index/filter-stream.js';
import { MatchRun } from './index/match-run.js';
import { rowState } from './index/row-table.js';
import { TermList } from './index/terms.js';
import type { OwnReason, Reasons } from './reasons.js';
import type { RefusedRows } from './refused-rows.js';
import { deletedRows, replacedRows, statusOf } from './rules.js';
import { StoredRows } from './stored-rows.js';
import { spending, Turns } from './turns.js';

/** How the store goes about its work. */
export type IndexedStoreSettings = FaultOptions & { readonly rowsPerTurn: number };

const nothing: readonly RemovedEvent[] = [];

/** The store over an index and what lies below it: the rules and the queries, the same for LevelDB and memory. */
export class IndexedStore implements EventStore {
  /** With rows that are due to go: questions go to `#current`. */
  readonly #index: EventIndex;
  readonly #backend: Backend;
  readonly #reasons: Reasons;
  readonly #clock: Clock;
  readonly #refused: RefusedRows;
  readonly #terms: TermList;
  readonly #events: StoredRows;
  readonly #turns = new Turns();
  readonly #rowsPerTurn: number;
  readonly #observers: StoreObserver[] = [];
  #isTelling = false;
  /** What the last event would become, as long as nothing changes: it is asked about right before it is put. */
  #previewed: { readonly event: NostrEvent; readonly now: number; readonly status: PutStatus } | undefined;
  /** What left by itself and `removeExpired` has not reported yet. */
  #departed: RemovedEvent[] = [];
  readonly #faulty: FaultyRows;

  constructor(
    { index, backend, reasons, clock }: StoreParts,
    refused: RefusedRows,
    settings: IndexedStoreSettings,
  ) {
    this.#index = index;
    this.#backend = backend;
    this.#reasons = reasons;
    this.#clock = clock;
    this.#refused = refused;
    this.#rowsPerTurn = settings.rowsPerTurn;
    this.#faulty = new FaultyRows(index, settings);
    this.#terms = new TermList(index.hasher);
    this.#events = new StoredRows(
      index,
      backend,
      () => this.#letGoDue(),
      (row, fault) => this.#onFault(row, fault),
    );
  }

  get size(): number {
    return this.#current.storedCount;
  }

  put(event: NostrEvent, body?: Uint8Array): PutResult {
    this.#backend.check();
    const status = this.preview(event);
    switch (status) {
      case 'stored':
        return { status, removed: this.#take(event, body), written: this.#backend.written() };
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
        return { status, removed: nothing, written: this.unwritten() ?? Promise.resolve() };
    }
  }

  remove(id: string): { readonly removed: boolean; readonly written: Promise<void> } {
    this.#backend.check();
    const row = this.#current.findStored(id);
    if (row < 0) return { removed: false, written: Promise.resolve() };
    this.#letGo(row, 'removed');
    return { removed: true, written: this.#backend.written() };
  }

  has(id: string): boolean {
    return this.#current.findStored(id) >= 0;
  }

  kindOf(id: string): number | undefined {
    const row = this.#current.findStored(id);
    return row < 0 ? undefined : this.#index.rows.kind(row);
  }

  authorOf(id: string): string | undefined {
    const row = this.#current.findStored(id);
    return row < 0 ? undefined : this.#index.authors.hex(this.#index.rows.author(row));
  }

  preview(event: NostrEvent): PutStatus {
    const now = unixSeconds(this.#clock);
    if (this.#previewed?.event === event && this.#previewed.now === now) return this.#previewed.status;
    const status = statusOf(this.#current, event, now);
    this.#previewed = { event, now, status };
    return status;
  }

  some(filter: Filter): boolean {
    let found = false;
    new FilterPlan(this.#current, filter, 'stored').forEachMatch(() => {
      found = true;
      return false;
    });
    return found;
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
  ): Promise<number> {
    const run = new CountRun(this.#current, filters);
    while (!spending(turns, this.#rowsPerTurn, (budget) => run.next(budget)))
      await this.#nextTurn(turns, signal);
    return run.count;
  }

  query(filters: readonly Filter[], turns: WorkTurns = this.#turns): AsyncIterable<readonly StoredEvent[]> {
    const run = new QueryRun(this.#current, filters);
    const next = (): RowBatch =>
      spending(turns, this.#rowsPerTurn, (budget) => run.next(budget, limits.storeQueryFoundRowsMax));
    // The first turn is taken now, so that the answer is of the state at the call.
    return this.#events.stream(next(), next, turns);
  }

  async get(id: string): Promise<StoredEvent | undefined> {
    const row = this.#current.findStored(id);
    if (row < 0) return undefined;
    return await this.#events.one(row);
  }

  ids(filter: Filter): string[] {
    const ids: string[] = [];
    new FilterPlan(this.#current, filter, 'stored').forEachMatch((row) => {
      ids.push(this.#index.rows.idHex(row));
      return true;
    });
    return ids;
  }

  authors(filter: Filter, rowsMax: number): string[] {
    const authors = new Set<number>();
    let left = rowsMax;
    new FilterPlan(this.#current, filter, 'stored').forEachMatch((row) => {
      authors.add(this.#index.rows.author(row));
      left -= 1;
      return left > 0;
    });
    return [...authors].map((author) => this.#index.authors.hex(author));
  }

  idsInTurns(filter: Filter, idsPerTurn: number): AsyncIterable<readonly string[]> {
    const run = new QueryRun(this.#current, [filter]);
    const next = () => run.next({ visits: this.#rowsPerTurn }, idsPerTurn);
    return this.#events.ids(next, () => this.#nextTurn(this.#turns));
  }

  collect(filter: Filter, target: RecordSetBuilder): void {
    const run = new MatchRun(this.#current, filter);
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
    const run = new MatchRun(this.#current, filter);
    const appender = new RecordAppender(this.#index.rows, target);
    const collectSome = (budget: VisitBudget): boolean => {
      const isDone = run.next(budget, (row) => appender.add(row));
      appender.flush();
      return isDone;
    };
    while (!spending(turns, this.#rowsPerTurn, collectSome)) await this.#nextTurn(turns, signal);
    return true;
  }

  removeExpired(): { readonly removed: readonly RemovedEvent[]; readonly written: Promise<void> } {
    this.#backend.check();
    this.#letGoDue();
    const removed = this.#departed;
    this.#departed = [];
    return { removed, written: removed.length > 0 ? this.#backend.written() : Promise.resolve() };
  }

  observe(observer: StoreObserver): void {
    this.#observers.push(observer);
  }

  unwritten(): Promise<void> | undefined {
    return this.#backend.unwritten();
  }

  async flush(): Promise<void> {
    await this.#backend.written();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#backend.close();
  }

  /** The index without what has expired by now (NIP-40). */
  get #current(): EventIndex {
    this.#letGoDue();
    return this.#index;
  }

  #letGoDue(): void {
    const { expirations } = this.#index;
    // What an observer asks must not change the store under the change that it is told of.
    if (expirations.size === 0 || this.#isTelling || this.#backend.isStopped) return;
    const now = unixSeconds(this.#clock);
    while (expirations.size > 0 && expirations.time <= now) {
      const { row, sequence } = expirations;
      expirations.pop();
      if (!this.#index.isCurrent(row, sequence, (state) => state === rowState.stored)) continue;
      this.#departed.push(this.#index.removedEvent(row));
      this.#letGo(row, 'expired');
    }
  }

  /** Lets the event loop do all else, and comes back when it is this work's turn. */
  async #nextTurn(turns: WorkTurns, signal?: AbortSignal): Promise<void> {
    await turns.next(signal);
    this.#letGoDue();
  }

  /** Takes an event for which `preview` says `stored`; gives what it removed. */
  #take(event: NostrEvent, body: Uint8Array | undefined): readonly RemovedEvent[] {
    this.#refused.delete(event.id);
    const replaced = replacedRows(this.#index, event);
    const deleted = deletedRows(this.#index, event);
    const removed = [...replaced, ...deleted].map((row) => this.#index.removedEvent(row));
    for (const row of replaced) this.#letGo(row, 'superseded');
    for (const row of deleted) this.#letGo(row, 'deleted');
    const time = expirationOf(event) ?? 0;
    this.#terms.setEvent(event);
    const { id, pubkey } = rowKeys(event);
    const row = this.#index.insert(
      {
        id,
        pubkey,
        createdAt: event.created_at,
        kind: event.kind,
        sequence: this.#index.nextSequence,
        state: rowState.stored,
        sizeLog: Math.ceil(Math.log2(eventBytes(event))),
        time,
      },
      this.#terms,
    );
    this.#previewed = undefined;
    this.#backend.added(row, this.#terms, time, { event, body });
    this.#tell((observer) => observer.added(event));
    return removed;
  }

  /** Makes a stored row a refused one. */
  #letGo(row: number, reason: OwnReason): void {
    this.#previewed = undefined;
    const time = unixSeconds(this.#clock);
    const removed = this.#index.removedEvent(row);
    this.#index.refuse(row, this.#reasons.stateOf(reason), time);
    this.#backend.changed(row, time, true);
    this.#refused.makeRoom();
    this.#tell((observer) => observer.removed(removed));
  }

  /** The event of a stored row is not to be had. */
  #onFault(row: number, fault: BodyFault): void {
    if (!this.#faulty.isToGo(row, fault) || this.#backend.isStopped) return;
    this.#previewed = undefined;
    const removed = this.#index.removedEvent(row);
    this.#index.kill(row);
    this.#backend.changed(row, 0, true);
    this.#departed.push(removed);
    this.#tell((observer) => observer.removed(removed));
  }

  #tell(what: (observer: StoreObserver) => void): void {
    this.#isTelling = true;
    for (const observer of this.#observers) what(observer);
    this.#isTelling = false;
  }
}
