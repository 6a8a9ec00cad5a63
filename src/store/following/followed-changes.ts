import { type Clock, unixSeconds } from '../../lib/clock.js';
import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';
import { isDeletion } from '../../nostr/deletion.js';
import type { StoreParts } from '../backend.js';
import { ChangeObservers } from '../changes/change-observers.js';
import { ExpiredRows } from '../changes/expired-rows.js';
import type { StoreChanges } from '../changes/stored-changes.js';
import type { Remains, RemovedEvent, StoredEvent, StoreObserver } from '../event-store.js';
import { showDue } from '../index/due-rows.js';
import type { EventIndex } from '../index/event-index.js';
import { rowState } from '../index/rows/row-table.js';
import { TermList } from '../index/terms.js';
import { applyRecord, changeOf, isRow, rowOf } from '../log/segment.js';
import type { Reasons } from '../refused/reasons.js';
import { storeFollows } from './errors.js';

/** The events that came and those that left, each in the order of the log. */
export type FollowedEvents = { readonly added: StoredEvent[]; readonly removed: RemovedEvent[] };

/** A row that expired by our clock before the log said so; `time` is when, in seconds since 1970. */
type Expired = { readonly row: number; readonly time: number };

/**
 * The changes of what is stored where another process decides them, as its log tells. The index is that of the writer, but
 * for two things, which `settle` takes back: what has expired by our own clock is gone, and what has no body is left out.
 */
export class FollowedChanges implements StoreChanges {
  readonly #index: EventIndex;
  readonly #reasons: Reasons;
  readonly #clock: Clock;
  readonly #terms: TermList;
  readonly #observers = new ChangeObservers();
  readonly #due: ExpiredRows;
  #count = 0;
  /** What expired and nobody has asked for yet. */
  #departed: RemovedEvent[] = [];
  /** By sequence, until the log says what became of it. */
  readonly #expired = new Map<number, Expired>();
  /**
   * Records of rows whose bodies were gone when they were read, by sequence: what let them go stands further on in the log.
   * They are in no answer, and nobody is told of them.
   */
  readonly #bodiless = new Map<number, Uint32Array>();

  /** `turns`: those in which what has expired is let go of. */
  constructor({ index, backend, reasons, clock }: StoreParts, turns: WorkTurns) {
    this.#index = index;
    this.#reasons = reasons;
    this.#clock = clock;
    this.#terms = new TermList(index.hasher);
    const evict = (row: number, time: number) => {
      this.#departed.push(index.removedEvent(row));
      this.#expire(row, time, unixSeconds(clock));
    };
    this.#due = new ExpiredRows({ index, backend, clock, turns, evict });
  }

  get count(): number {
    return this.#count;
  }

  observe(observer: StoreObserver): void {
    this.#observers.add(observer);
  }

  /**
   * Makes the change that a record tells of, unless it was made already. `events` has those that the record may bring, by
   * sequence; what came or left is added to `followed`.
   */
  follow(record: Uint32Array, events: ReadonlyMap<number, StoredEvent>, followed: FollowedEvents): void {
    this.#count += 1;
    if (isRow(record)) this.#bring(record, events, followed);
    else this.#change(record, followed);
  }

  /** As `ExpiredRows.letGo`; the writer records it when it comes by it. */
  evictDue(): void {
    if (!this.#observers.isTelling) this.#due.letGo();
  }

  end(): void {
    this.#due.end();
  }

  departed(): ReturnType<StoreChanges['departed']> {
    const removed = this.#departed;
    this.#departed = [];
    return { removed, lost: [], acceptable: [] };
  }

  /** Makes the index what the log says, for whoever goes on with it; it must not be asked any more. */
  settle(): void {
    this.end();
    showDue(this.#index);
    for (const { row, time } of this.#expired.values()) this.#index.restore(row, time);
    this.#expired.clear();
    for (const record of this.#bodiless.values()) applyRecord(this.#index, record, this.#terms);
    this.#bodiless.clear();
  }

  take(): never {
    throw storeFollows();
  }

  remove(): never {
    throw storeFollows();
  }

  takeAway(): never {
    throw storeFollows();
  }

  lose(): never {
    throw storeFollows();
  }

  #bring(record: Uint32Array, events: ReadonlyMap<number, StoredEvent>, followed: FollowedEvents): void {
    const { id, sequence, state, sizeLog, time } = rowOf(record);
    const known = this.#index.ids.find(id);
    if (known >= 0) {
      if (this.#index.rows.sequence(known) >= sequence) return;
      this.#replace(known, state, followed);
    }
    const event = events.get(sequence);
    if (state === rowState.stored && event === undefined) {
      // As a copy: the rest of its segment need not stay for it.
      this.#bodiless.set(sequence, record.slice());
      return;
    }
    applyRecord(this.#index, record, this.#terms);
    if (event === undefined) return;
    this.#observers.tell((observer) => observer.added(event.event, 2 ** sizeLog));
    const now = unixSeconds(this.#clock);
    // One that has expired on its way is told to nobody but the observers, who count what keeps its effect.
    if (time > 0 && time <= now) this.#expire(this.#index.ids.find(id), time, now);
    else followed.added.push(event);
  }

  /** Takes out a row that one of the same event follows, as after a loss in the log. */
  #replace(row: number, stateNext: number, { removed }: FollowedEvents): void {
    const event = this.#storedEvent(row);
    this.#expired.delete(this.#index.rows.sequence(row));
    this.#index.kill(row);
    if (event === undefined) return;
    removed.push(event);
    const remains = stateNext === rowState.stored ? 'nothing' : remainsOf(stateNext);
    this.#observers.tell((observer) => observer.removed(event, remains));
  }

  #change(record: Uint32Array, { removed }: FollowedEvents): void {
    const { id, sequence, state } = changeOf(record);
    const bodiless = this.#bodiless.get(sequence);
    if (bodiless !== undefined) {
      this.#bodiless.delete(sequence);
      applyRecord(this.#index, bodiless, this.#terms);
      applyRecord(this.#index, record, this.#terms);
      return;
    }
    const row = this.#index.ids.find(id);
    if (row < 0 || this.#index.rows.sequence(row) !== sequence) return;
    const expired = this.#expired.get(sequence);
    if (expired !== undefined) {
      this.#expired.delete(sequence);
      this.#index.restore(row, expired.time);
      applyRecord(this.#index, record, this.#terms);
      return;
    }
    const event = this.#storedEvent(row);
    applyRecord(this.#index, record, this.#terms);
    if (event === undefined) return;
    removed.push(event);
    this.#observers.tell((observer) => observer.removed(event, remainsOf(state)));
  }

  /** One that is due, and was not let go of yet, stands as stored again: the log is as fast as we. */
  #storedEvent(row: number): RemovedEvent | undefined {
    if (this.#index.rows.state(row) === rowState.due) this.#index.restate(row, rowState.stored);
    return this.#index.rows.state(row) === rowState.stored ? this.#index.removedEvent(row) : undefined;
  }

  #expire(row: number, time: number, now: number): void {
    this.#count += 1;
    const event = this.#index.removedEvent(row);
    const isSpent = isDeletion(event);
    this.#expired.set(this.#index.rows.sequence(row), { row, time });
    this.#index.refuse(row, isSpent ? rowState.spentDeletion : this.#reasons.stateOf('expired'), now);
    this.#observers.tell((observer) => observer.removed(event, isSpent ? 'effect' : 'id'));
  }
}

/** What is left of a stored event whose row gets that state. */
function remainsOf(state: number): Remains {
  if (state === rowState.dead) return 'nothing';
  return state === rowState.spentDeletion ? 'effect' : 'id';
}
