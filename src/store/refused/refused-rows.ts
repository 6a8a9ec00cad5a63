import { limits } from '../../config/limits.js';
import type { RecordSetBuilder } from '../../kernels/kernels.js';
import { type Clock, unixSeconds } from '../../lib/clock.js';
import { pieces } from '../../lib/collections/lists.js';
import { SlicedLoop } from '../../lib/turns/sliced-loop.js';
import type { NostrEvent } from '../../nostr/event.js';
import type { Filter } from '../../nostr/filter.js';
import type { Backend } from '../backend.js';
import { appendInTurns, RecordAppender } from '../collect.js';
import type { EventIndex } from '../index/event-index.js';
import { FilterPlan } from '../index/filter-plan.js';
import { MatchRun } from '../index/match-run.js';
import { rowKeys } from '../index/rows/key-words.js';
import { rowState } from '../index/rows/row-table.js';
import { TermList } from '../index/terms.js';
import type { TimeHeap } from '../index/time-heap.js';
import type { VisitBudget } from '../index/visit-budget.js';
import { type StoreTurns, spending } from '../spending.js';
import { type ListedEntries, ListForgetting } from './list-forgetting.js';
import type { Reasons } from './reasons.js';
import type { RefusedIndex, RefusedObserver } from './refused-index.js';
import { type IsWanted, RefusedSearch } from './refused-search.js';

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
  readonly #expiring: SlicedLoop;
  readonly #listed: ListForgetting;
  #isEnded = false;

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
    this.#expiring = new SlicedLoop(settings.turns, () => this.#forgetExpired());
    this.#listed = new ListForgetting(index, backend, settings.turns, (found) => this.#forgetAll(found));
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
    const isOfSuch = (state: number): boolean => isRefused(state) && isSuch(this.#reasons.nameOf(state));
    for (let isDone = false; !isDone; ) {
      const found: { readonly row: number; readonly sequence: number }[] = [];
      isDone = spending(turns, rowsPerTurn, (budget) =>
        run.next(budget, (row) => {
          if (isOfSuch(rows.state(row))) found.push({ row, sequence: rows.sequence(row) });
        }),
      );
      for (const piece of pieces(found, limits.refusedForgottenAtOnceMax)) {
        const such = piece.filter(({ row, sequence }) => this.#index.isCurrent(row, sequence, isOfSuch));
        const ids = this.#forgetAll(such.map(({ row }) => row));
        if (ids.length > 0) yield ids;
        if (turns.isOver) await turns.next();
      }
      if (!isDone) await turns.next();
    }
  }

  matching(filter: Filter, budget: VisitBudget, except?: ReadonlySet<string>): string[] | undefined {
    const plan = new FilterPlan(this.#index, filter, 'refused');
    const visits = this.size === 0 ? 0 : Math.max(plan.visits, plan.visitsCheckingMax);
    if (visits > budget.visits) return undefined;
    budget.visits -= visits;
    const ids: string[] = [];
    const isWanted = this.#isNoneOf(except);
    plan.forEachMatch((row) => {
      if (isWanted(row)) ids.push(this.#index.rows.idHex(row));
      return true;
    });
    return ids;
  }

  search(filter: Filter, except?: ReadonlySet<string>): RefusedSearch {
    return new RefusedSearch(this.#index, filter, this.#isNoneOf(except));
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
    const before = this.size;
    this.#expiring.begin();
    return before - this.size;
  }

  /** Forgets what is left of long lists, of which the next start knows nothing, and then nothing more by itself. */
  end(): void {
    this.#listed.finish();
    this.#isEnded = true;
  }

  /** As `ListForgetting.forget`. */
  forgetListed(
    entries: ListedEntries,
    budget: VisitBudget,
    later: (ids: readonly string[]) => void,
  ): readonly string[] {
    return this.#listed.forget(entries, budget, later);
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
      const ofRank = refusals[rank]!;
      while (ofRank.size > 0 && isAbove()) this.#forgetOldest(ofRank);
    }
  }

  /** Forgets one entry whose time is over; whether there was one. */
  #forgetExpired(): boolean {
    const expiredSince = unixSeconds(this.#clock) - this.#settings.refusedExpiryMs / 1000;
    const refusals = this.#index.refusals.find(({ size, time }) => size > 0 && time <= expiredSince);
    if (refusals === undefined || !this.#isAtWork) return false;
    this.#forgetOldest(refusals);
    return true;
  }

  #forgetOldest(refusals: TimeHeap): void {
    const { row, sequence } = refusals;
    refusals.pop();
    if (this.#index.isCurrent(row, sequence, isRefused)) this.#forget(row);
  }

  /** Whether a row was refused for none of those reasons. */
  #isNoneOf(except?: ReadonlySet<string>): IsWanted {
    return (row) => !except?.has(this.#reasons.nameOf(this.#index.rows.state(row)));
  }

  get #isAtWork(): boolean {
    return !this.#isEnded && !this.#backend.isStopped;
  }

  /** Gives their ids. */
  #forgetAll(found: readonly number[]): readonly string[] {
    const ids = found.map((row) => this.#index.rows.idHex(row));
    for (const row of found) this.#forget(row);
    return ids;
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
