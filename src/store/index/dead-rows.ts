import type { EventIndex } from './event-index.js';
import { termShards } from './postings/term-table.js';

/** Dead rows, above an eighth of the living, at which a sweep begins; and likewise terms of theirs. */
const sweepRowsMin = 1_024;
const sweepTermsMin = 65_536;

/** Slots of the table of terms that a sweep looks at, beside those of one step, for each term of a new row. */
const sweptSlotsPerTerm = 8;

/**
 * The rows that are dead and still stand in lists. A row keeps no list of its terms, so a sweep takes all of them out of all
 * lists, a shard at a time, as insertions come; then they are free.
 */
export class DeadRows {
  readonly #index: EventIndex;
  #waiting: number[] = [];
  /** How many terms these have together. */
  #waitingTerms = 0;
  /** Those that the sweep which runs takes out. */
  #sweeping: number[] = [];
  #shard = termShards;

  constructor(index: EventIndex) {
    this.#index = index;
  }

  get all(): readonly number[] {
    return [...this.#sweeping, ...this.#waiting];
  }

  /** Adds a row that has died. */
  add(row: number): void {
    this.#waiting.push(row);
    this.#waitingTerms += this.#index.rows.terms(row);
  }

  /** Takes those in the place of all others. */
  restore(dead: Uint32Array): void {
    this.#waiting = Array.from(dead);
    this.#waitingTerms = this.#waiting.reduce((sum, row) => sum + this.#index.rows.terms(row), 0);
  }

  /** Takes all out of all lists, which need not be in order; no sweep must be running. */
  sweepAll(): void {
    if (this.#waiting.length === 0) return;
    const { lists, terms } = this.#index;
    this.#index.all = lists.sweep(this.#index.all);
    for (let shard = 0; shard < termShards; shard += 1) terms.updateAll(shard, (ref) => lists.sweep(ref));
    this.#free(this.#waiting);
    this.#waiting = [];
    this.#waitingTerms = 0;
  }

  /** Goes on with a sweep that runs, or begins one that is due, for a new row of so many terms. */
  sweepFor(terms: number): void {
    for (let slots = terms * sweptSlotsPerTerm; slots >= 0; ) slots -= this.#sweepSome();
  }

  /** One step of a sweep, if one runs or is due; gives the slots that it looked at, without end where there is none. */
  #sweepSome(): number {
    if (this.#shard < termShards) return this.#sweepShard();
    if (!this.#isDue) return Number.POSITIVE_INFINITY;
    this.#sweeping = this.#waiting;
    this.#waiting = [];
    this.#waitingTerms = 0;
    this.#shard = 0;
    return 0;
  }

  #sweepShard(): number {
    const { lists, terms } = this.#index;
    const slots = terms.slotsOf(this.#shard);
    terms.updateAll(this.#shard, (ref) => lists.sweep(ref));
    this.#shard += 1;
    if (this.#shard < termShards) return slots;
    this.#index.all = lists.sweep(this.#index.all);
    this.#free(this.#sweeping);
    this.#sweeping = [];
    return slots;
  }

  get #isDue(): boolean {
    const { storedCount, refusedCount, livingTerms } = this.#index;
    return (
      this.#waiting.length >= sweepRowsMin + (storedCount + refusedCount) / 8 ||
      this.#waitingTerms >= sweepTermsMin + livingTerms / 8
    );
  }

  #free(rows: readonly number[]): void {
    for (const row of rows) {
      this.#index.authors.release(this.#index.rows.author(row));
      this.#index.rows.free(row);
    }
  }
}
