import { limits } from '../../config/limits.js';
import { append } from '../../lib/collections/lists.js';
import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';
import { isDeletion } from '../../nostr/deletion.js';
import { eventBytes, expirationOf, type NostrEvent } from '../../nostr/event.js';
import type { Backend, StoreParts } from '../backend.js';
import type { PutResult, RemovedEvent, StoreObserver } from '../event-store.js';
import type { EventIndex } from '../index/event-index.js';
import type { ListRef } from '../index/postings/posting-lists.js';
import { rowKeys } from '../index/rows/key-words.js';
import { rowState } from '../index/rows/row-table.js';
import { TermList } from '../index/terms.js';
import type { VisitBudget } from '../index/visit-budget.js';
import type { OwnReason, Reasons } from '../refused/reasons.js';
import type { RefusedRows } from '../refused/refused-rows.js';
import { deletedRows, replacedRows } from '../rules.js';
import { ChangeObservers } from './change-observers.js';
import { ExpiredRows } from './expired-rows.js';

/** How much of what was refused is looked at in one turn for what is to be forgotten of it. */
const forgetting = (): VisitBudget => ({ visits: limits.refusedForgottenAtOnceMax });

/** What left the store, and the ids that are acceptable again for that. */
export type Departures = Pick<PutResult, 'removed' | 'acceptable'>;

/** The changes of what is stored, as the store over the index sees them, whoever decides them. */
export type StoreChanges = Pick<
  StoredChanges,
  'count' | 'observe' | 'take' | 'remove' | 'takeAway' | 'lose' | 'evictDue' | 'departed' | 'end'
>;

/**
 * All changes of what is stored: events come, and they go because of others, of their time or of damage. The memory of
 * refusals follows: what was refused for an event that goes is acceptable again.
 */
export class StoredChanges {
  readonly #index: EventIndex;
  readonly #backend: Backend;
  readonly #reasons: Reasons;
  readonly #refused: RefusedRows;
  readonly #terms: TermList;
  readonly #observers = new ChangeObservers();
  readonly #expired: ExpiredRows;
  #count = 0;
  /** What left by itself and nobody has asked for yet. */
  #removed: RemovedEvent[] = [];
  #lost: RemovedEvent[] = [];
  #acceptable: string[] = [];

  /** `turns`: those in which what has expired is let go of. */
  constructor({ index, backend, reasons, clock }: StoreParts, refused: RefusedRows, turns: WorkTurns) {
    this.#index = index;
    this.#backend = backend;
    this.#reasons = reasons;
    this.#refused = refused;
    this.#terms = new TermList(index.hasher);
    const evict = (row: number) => this.#expire(row);
    this.#expired = new ExpiredRows({ index, backend, clock, turns, evict });
  }

  /** How many changes there were: what was found out stands as long as this is the same. */
  get count(): number {
    return this.#count;
  }

  observe(observer: StoreObserver): void {
    this.#observers.add(observer);
  }

  /** Takes an event that the store is to keep, and lets go of what gives way to it. */
  take(event: NostrEvent, body: Uint8Array | undefined): Departures & { readonly sequence: number } {
    this.#refused.delete(event.id);
    const replaced = replacedRows(this.#index, event);
    const { withOlder, alone } = deletedRows(this.#index, event);
    const removed: RemovedEvent[] = [];
    const evict = (row: number, reason: OwnReason): void => {
      removed.push(this.#index.removedEvent(row));
      this.#evict(row, reason);
    };
    for (const row of replaced) evict(row, 'superseded');
    // Older versions stay refused: the request deletes them too.
    for (const row of withOlder) evict(row, 'deleted');
    const acceptable: string[] = [];
    const budget = forgetting();
    for (const row of alone) {
      evict(row, 'deleted');
      append(acceptable, this.#reopen(row, budget));
    }
    const sequence = this.#insert(event, body);
    return { sequence, removed, acceptable };
  }

  /** Lets go of a stored row for good, as an operator does. */
  remove(row: number): void {
    const { kind, pubkey } = this.#index.removedEvent(row);
    this.#evict(row, 'removed');
    const budget = forgetting();
    append(this.#acceptable, this.#reopen(row, budget));
    // What else deletes them is found out when they come.
    if (!isDeletion({ kind })) return;
    const ofAuthor = () => this.#index.listOf((terms) => terms.author(pubkey));
    append(this.#acceptable, this.#forget(ofAuthor, 'deleted', budget));
  }

  /** Lets go of a stored row, which is remembered with that reason; nothing becomes acceptable again. */
  takeAway(row: number, reason: string): RemovedEvent {
    const removed = this.#index.removedEvent(row);
    this.#evict(row, reason);
    return removed;
  }

  /** Lets go of a stored row whose event is lost: it is not remembered, so that it is asked for again. */
  lose(row: number): void {
    this.#count += 1;
    const removed = this.#index.removedEvent(row);
    this.#index.kill(row);
    this.#backend.changed(row, 0, true);
    this.#lost.push(removed);
    append(this.#acceptable, this.#reopen(row, forgetting()));
    this.#observers.tell((observer) => observer.removed(removed, 'nothing'));
  }

  /** As `ExpiredRows.letGo`. */
  evictDue(): void {
    if (!this.#observers.isTelling) this.#expired.letGo();
  }

  /** Lets go of nothing more by itself. */
  end(): void {
    this.#expired.end();
  }

  /** What left by itself since the last call. */
  departed(): Departures & { readonly lost: readonly RemovedEvent[] } {
    const departures = { removed: this.#removed, lost: this.#lost, acceptable: this.#acceptable };
    this.#removed = [];
    this.#lost = [];
    this.#acceptable = [];
    return departures;
  }

  #expire(row: number): void {
    this.#removed.push(this.#index.removedEvent(row));
    this.#evict(row, 'expired');
    append(this.#acceptable, this.#reopen(row, forgetting()));
  }

  /** Gives the sequence of its row. */
  #insert(event: NostrEvent, body: Uint8Array | undefined): number {
    const sequence = this.#index.nextSequence;
    const time = expirationOf(event) ?? 0;
    this.#terms.setEvent(event);
    const sizeLog = Math.ceil(Math.log2(eventBytes(event)));
    const { id, pubkey } = rowKeys(event);
    const row = this.#index.insert(
      {
        id,
        pubkey,
        createdAt: event.created_at,
        kind: event.kind,
        sequence,
        state: rowState.stored,
        sizeLog,
        time,
      },
      this.#terms,
    );
    this.#count += 1;
    this.#backend.added(row, this.#terms, time, { event, body });
    this.#observers.tell((observer) => observer.added(event, 2 ** sizeLog));
    return sequence;
  }

  /** Makes a stored row a refused one. A deletion request that expires keeps its effect. */
  #evict(row: number, reason: OwnReason | (string & {})): void {
    this.#count += 1;
    const removed = this.#index.removedEvent(row);
    const isSpent = reason === 'expired' && isDeletion(removed);
    this.#refused.takeOver(row, isSpent ? rowState.spentDeletion : this.#reasons.stateOf(reason));
    this.#observers.tell((observer) => observer.removed(removed, isSpent ? 'effect' : 'id'));
  }

  /** Forgets that older versions were refused for a row that has gone; gives their ids. */
  #reopen(row: number, budget: VisitBudget): readonly string[] {
    const address = this.#index.rows.address(row);
    return this.#forget(() => this.#index.listAt(address), 'superseded', budget);
  }

  /** Of very many the rest is forgotten in later turns, and is acceptable then. */
  #forget(list: () => ListRef, reason: OwnReason, budget: VisitBudget): readonly string[] {
    const entries = { list, state: this.#reasons.stateOf(reason) };
    return this.#refused.forgetListed(entries, budget, (ids) => append(this.#acceptable, ids));
  }
}
