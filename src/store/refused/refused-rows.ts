import { limits } from '../../config/limits.js';
import type { RecordSetBuilder } from '../../kernels/kernels.js';
import { type Clock, unixSeconds } from '../../lib/clock.js';
import type { NostrEvent } from '../../nostr/event.js';
import type { Filter } from '../../nostr/filter.js';
import type { Backend } from '../backend.js';
import { appendInTurns, RecordAppender } from '../collect.js';
import type { EventIndex } from '../index/event-index.js';
import { FilterPlan } from '../index/filter-plan.js';
import { MatchRun } from '../index/match-run.js';
import { ListCursor } from '../index/postings/list-cursor.js';
import type { ListRef } from '../index/postings/posting-lists.js';
import { rowKeys } from '../index/rows/key-words.js';
import { rowState } from '../index/rows/row-table.js';
import { TermList } from '../index/terms.js';
import type { TimeHeap } from '../index/time-heap.js';
import { type StoreTurns, spending } from '../spending.js';
import type { Reasons } from './reasons.js';
import type { RefusedIndex, RefusedObserver } from './refused-index.js';

/** Share of the room that rows of each rank keep, however many there are of the others. */
const shares = [limits.refusedToldShareMin, limits.refusedUnwantedShareMin, limits.refusedRemovedShareMin];

/** How many refused events are remembered, with how many terms together, and for how long; and the turns of long work on them. */
export type RefusedSettings = StoreTurns & {
  readonly refusedIdsMax: number;
  readonly refusedTermsMax: number;
  readonly refusedExpiryMs: number;
};

const isRefused = (state: number): boolean => state >= rowState.refusedFirst;

/** It keeps its effect, or the store has still to let go of it. */
const isFixed = (state: number): boolean => state === rowState.spentDeletion || state === rowState.due;

/**
 * The refused rows of the index that also holds the stored ones. So an event that is superseded or deleted becomes
 * a refused one by the change of one byte; but one with many terms leaves most of them, for these are memory that strangers
 * could fill.
 */
export class RefusedRows implements RefusedIndex {
  readonly #index: EventIndex;
  readonly #backend: Backend;
  readonly #reasons: Reasons;
  readonly #clock: Clock;
  readonly #settings: RefusedSettings;
  readonly #terms: TermList;
  readonly #observers: RefusedObserver[] = [];

  constructor(
    index: EventIndex,
    backend: Backend,
    reasons: Reasons,
    clock: Clock,
    settings: RefusedSettings,
  ) {
    this.#index = index;
    this.#backend = backend;
    this.#reasons = reasons;
    this.#clock = clock;
    this.#settings = settings;
    this.#terms = new TermList(index.hasher);
  }

  get size(): number {
    return this.#index.refusedCount;
  }

  add(event: NostrEvent, reason: string): void {
    this.#backend.check();
    const known = this.#index.find(event.id);
    const state = this.#reasons.stateOf(reason);
    if (known >= 0) {
      const current = this.#index.rows.state(known);
      if (!isRefused(current) || current === state || isFixed(current)) return;
      // With another reason it is a new entry.
      this.#forget(known);
    }
    const time = unixSeconds(this.#clock);
    this.#terms.setRefused(event, limits.refusedTermsPerEventMax);
    const { nextSequence: sequence } = this.#index;
    const { created_at: createdAt, kind } = event;
    const { id, pubkey } = rowKeys(event);
    const row = this.#index.insert(
      { id, pubkey, createdAt, kind, sequence, state, sizeLog: 0, time },
      this.#terms,
    );
    this.#backend.added(row, this.#terms, time, undefined);
    for (const observer of this.#observers) observer.added(event);
    this.#makeRoom();
  }

  reasonFor(id: string): string | undefined {
    const row = this.#index.find(id);
    if (row < 0 || !isRefused(this.#index.rows.state(row))) return undefined;
    return this.#reasons.nameOf(this.#index.rows.state(row));
  }

  delete(id: string): void {
    const row = this.#index.find(id);
    if (row >= 0 && isRefused(this.#index.rows.state(row))) this.#forget(row);
  }

  deleteRefusedFor(isSuch: (reason: string) => boolean): void {
    const states = new Set(this.#reasons.names.filter(isSuch).map((name) => this.#reasons.stateOf(name)));
    if (states.size === 0) return;
    const found: number[] = [];
    new FilterPlan(this.#index, {}, 'refused').forEachMatch((row) => {
      if (states.has(this.#index.rows.state(row))) found.push(row);
      return true;
    });
    for (const row of found) this.#forget(row);
  }

  async *forgetInTurns(
    filter: Filter,
    isSuch: (reason: string) => boolean,
  ): AsyncIterable<readonly string[]> {
    const { rows } = this.#index;
    const { turns, rowsPerTurn } = this.#settings;
    const run = new MatchRun(this.#index, filter, 'refused');
    for (let isDone = false; !isDone; ) {
      const found: number[] = [];
      isDone = spending(turns, rowsPerTurn, (budget) => run.next(budget, (row) => found.push(row)));
      const such = found.filter((row) => isSuch(this.#reasons.nameOf(rows.state(row))));
      const ids = such.map((row) => rows.idHex(row));
      for (const row of such) this.#forget(row);
      if (ids.length > 0) yield ids;
      if (!isDone) await turns.next();
    }
  }

  matching(filter: Filter, idsMax: number, except?: ReadonlySet<string>): string[] {
    const ids: string[] = [];
    if (idsMax <= 0 || this.size === 0) return ids;
    new FilterPlan(this.#index, filter, 'refused').forEachMatch((row) => {
      if (except?.has(this.#reasons.nameOf(this.#index.rows.state(row)))) return true;
      ids.push(this.#index.rows.idHex(row));
      return ids.length < idsMax;
    });
    return ids;
  }

  collect(filter: Filter, target: RecordSetBuilder): void {
    const appender = new RecordAppender(this.#index.rows, target);
    new FilterPlan(this.#index, filter, 'refused').forEachMatch((row) => {
      appender.add(row);
      return true;
    });
    appender.flush();
  }

  async collectInTurns(filter: Filter, target: RecordSetBuilder, signal?: AbortSignal): Promise<void> {
    const run = new MatchRun(this.#index, filter, 'refused');
    const appender = new RecordAppender(this.#index.rows, target);
    await appendInTurns(run, appender, this.#settings, () => this.#settings.turns.next(signal));
  }

  observe(observer: RefusedObserver): void {
    this.#observers.push(observer);
  }

  removeExpired(): number {
    const expiredSince = unixSeconds(this.#clock) - this.#settings.refusedExpiryMs / 1000;
    return this.#index.refusals.reduce(
      (forgotten, refusals) => forgotten + this.#forgetWhile(refusals, (time) => time <= expiredSince),
      0,
    );
  }

  /** Forgets the entries of a list that have that state; returns their ids. */
  forgetListed(list: ListRef, state: number): string[] {
    const { rows, lists } = this.#index;
    const found: number[] = [];
    const cursor = new ListCursor(lists, list, undefined);
    for (; cursor.row >= 0; cursor.advance()) if (rows.state(cursor.row) === state) found.push(cursor.row);
    const ids = found.map((row) => rows.idHex(row));
    for (const row of found) this.#forget(row);
    return ids;
  }

  /** Makes a stored row a refused one; its body goes. It is known all the time, so no observer is told. */
  takeOver(row: number, state: number): void {
    const { rows } = this.#index;
    const time = unixSeconds(this.#clock);
    // A deletion request keeps what it deletes.
    const isSmall = rows.terms(row) <= limits.refusedTermsPerEventMax || state === rowState.spentDeletion;
    if (isSmall) {
      this.#index.refuse(row, state, time);
      this.#backend.changed(row, time, true);
    } else {
      this.#insertAnew(row, state, time);
    }
    this.#makeRoom();
  }

  /** Puts another row in the place of a stored one, refused and with the terms that are known of that. */
  #insertAnew(row: number, state: number, time: number): void {
    const { rows } = this.#index;
    const { id, kind, pubkey, created_at: createdAt } = this.#index.removedEvent(row);
    const keys = rowKeys({ id, pubkey });
    const sizeLog = rows.sizeLog(row);
    this.#terms.setRow({ pubkey, kind }, rows.address(row));
    this.#index.kill(row);
    this.#backend.changed(row, 0, true);
    const { nextSequence: sequence } = this.#index;
    const anew = this.#index.insert(
      { ...keys, createdAt, kind, sequence, state, sizeLog, time },
      this.#terms,
    );
    this.#backend.added(anew, this.#terms, time, undefined);
  }

  /** Lets the oldest entries go while there are too many, of the first rank that has more than its share. */
  #makeRoom(): void {
    const { refusals, refusedCounts, refusedTerms } = this.#index;
    const { refusedIdsMax, refusedTermsMax } = this.#settings;
    for (const [rank, share] of shares.entries()) {
      const isAbove = () =>
        (this.#index.forgettableCount > refusedIdsMax && refusedCounts[rank]! > refusedIdsMax * share) ||
        (this.#index.forgettableTerms > refusedTermsMax && refusedTerms[rank]! > refusedTermsMax * share);
      if (isAbove()) this.#forgetWhile(refusals[rank]!, isAbove);
    }
  }

  /** Forgets the oldest entries as long as `goes` holds for the time of the oldest; returns how many. */
  #forgetWhile(refusals: TimeHeap, goes: (time: number) => boolean): number {
    let forgotten = 0;
    while (refusals.size > 0 && goes(refusals.time)) {
      const { row, sequence } = refusals;
      refusals.pop();
      if (!this.#index.isCurrent(row, sequence, isRefused)) continue;
      this.#forget(row);
      forgotten += 1;
    }
    return forgotten;
  }

  #forget(row: number): void {
    // Only the store knows what hangs on it; afterwards it is remembered as others are.
    if (this.#index.rows.state(row) === rowState.due) return;
    const entry = { id: this.#index.rows.idHex(row), created_at: this.#index.rows.createdAt(row) };
    this.#index.kill(row);
    this.#backend.changed(row, 0, false);
    for (const observer of this.#observers) observer.forgotten(entry);
  }
}
