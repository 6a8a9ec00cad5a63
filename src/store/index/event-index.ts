import type { Address } from '../../nostr/address.js';
import type { RemovedEvent } from '../event-store.js';
import { DeadRows } from './dead-rows.js';
import { ListSorter } from './postings/list-sorter.js';
import { type ListRef, PostingLists } from './postings/posting-lists.js';
import { TermTable, termShards } from './postings/term-table.js';
import { forgettableRankCount, refusedRank, refusedRankOf } from './refused-rank.js';
import { AuthorTable } from './rows/author-table.js';
import { KeyTable } from './rows/key-table.js';
import { keyWords, readKey } from './rows/key-words.js';
import { type AddressHash, type NewRow, RowTable, rowState } from './rows/row-table.js';
import { StandingRows } from './rows/standing-rows.js';
import { TermHasher } from './rows/term-hash.js';
import { TermList } from './terms.js';
import { TimeHeap } from './time-heap.js';

/** Entries of a heap, above twice as many as mean something, at which it is rebuilt. */
const tidyEntriesMin = 1_024;

/**
 * What there is, in typed arrays: a row for each stored event and for each refused one (refused-index.ts), found by
 * id and through the posting lists of its terms. One that has to go is only marked dead at first (dead-rows.ts).
 */
export class EventIndex {
  readonly rows = new RowTable();
  readonly lists = new PostingLists(this.rows);
  readonly terms = new TermTable();
  readonly hasher: TermHasher;
  readonly authors: AuthorTable;
  readonly ids: KeyTable;
  readonly #standing = new StandingRows(this.rows);
  /** Stored rows that expire, by that time. An entry whose row is not the same any more does not count. */
  readonly expirations = new TimeHeap();
  /** Refused rows of each rank that gives way (refused-rank.ts) by the time of the refusal; likewise. */
  readonly refusals: readonly TimeHeap[] = Array.from({ length: forgettableRankCount }, () => new TimeHeap());
  /** How many refused rows there are of each rank. */
  readonly refusedCounts = new Uint32Array(forgettableRankCount + 1);
  /** How many terms these have together. */
  readonly refusedTerms = new Float64Array(forgettableRankCount + 1);
  /** How many stored rows there are of each kind. */
  readonly kindCounts = new Uint32Array(65_536);
  /** The list of all rows. */
  all: ListRef = 0;
  /** Above the sequence of every row that ever was. */
  nextSequence = 1;
  storedCount = 0;
  storedTerms = 0;
  /** How many rows have expired and are still to be let go of. */
  dueCount = 0;
  /** The rows that are dead and not swept yet. */
  readonly dead = new DeadRows(this);
  #loading = false;
  readonly #key = new Uint32Array(keyWords);
  readonly #scratch: TermList;

  /** `seed` is the secret of the term hashes, 8 bytes. */
  constructor(seed: Uint8Array) {
    this.hasher = new TermHasher(seed);
    this.authors = new AuthorTable(this.hasher);
    this.ids = new KeyTable(this.rows, this.hasher);
    this.#scratch = new TermList(this.hasher);
  }

  /** Bytes of memory of the index. */
  get bytes(): number {
    const { rows, lists, terms, authors, ids, expirations, refusals } = this;
    const parts = [rows, lists.arena, terms, authors, ids, this.#standing, expirations, ...refusals];
    return parts.reduce((sum, part) => sum + part.bytes, 0);
  }

  /** How many of the refused rows may be forgotten. */
  get forgettableCount(): number {
    return this.refusedCount - this.refusedCounts[refusedRank.kept]!;
  }

  /** How many terms these have. */
  get forgettableTerms(): number {
    return this.livingTerms - this.storedTerms - this.refusedTerms[refusedRank.kept]!;
  }

  get refusedCount(): number {
    return this.refusedCounts.reduce((sum, count) => sum + count, 0);
  }

  /** How many terms all rows have that live. */
  get livingTerms(): number {
    return this.refusedTerms.reduce((sum, count) => sum + count, this.storedTerms);
  }

  /** The row of an id, stored or refused, or -1. */
  find(id: string): number {
    return readKey(id, this.#key) ? this.ids.find(this.#key) : -1;
  }

  /** The row of a stored event, or -1. */
  findStored(id: string): number {
    const row = this.find(id);
    return row >= 0 && this.rows.state(row) === rowState.stored ? row : -1;
  }

  /** The number of an author, or -1. */
  findAuthor(pubkey: string): number {
    return readKey(pubkey, this.#key) ? this.authors.find(this.#key) : -1;
  }

  /** The stored rows at an address (NIP-01), in no order. */
  standingAt(address: Address): readonly number[] {
    this.#scratch.clear();
    this.#scratch.address(address);
    return this.#standing.at([this.#scratch.words[0]!, this.#scratch.words[1]!]);
  }

  /** The list of the rows, stored or refused, at the address that has that hash. */
  listAt([lo, hi]: AddressHash): ListRef {
    return this.terms.get(lo, hi);
  }

  /** The posting list of one term. */
  listOf(term: (terms: TermList) => void): ListRef {
    this.#scratch.clear();
    term(this.#scratch);
    return this.terms.get(this.#scratch.words[0]!, this.#scratch.words[1]!);
  }

  /** Adds a row under its terms. Its id must not be in the index. */
  insert(values: NewRow, terms: TermList): number {
    this.nextSequence = Math.max(this.nextSequence, values.sequence + 1);
    const author = this.authors.hold(values.pubkey);
    const address = terms.addressOf(values.kind);
    const row = this.rows.take({ ...values, terms: terms.count }, values.id, author, address);
    this.ids.insert(row);
    const enlist = this.#loading
      ? (ref: ListRef) => this.lists.append(ref, row)
      : (ref: ListRef) => this.lists.insert(ref, row);
    this.all = enlist(this.all);
    for (let at = 0; at < terms.count; at += 1) {
      this.terms.update(terms.words[at * 2]!, terms.words[at * 2 + 1]!, enlist);
    }
    this.#count(row, 1);
    if (values.state !== rowState.stored) this.#refusalsOf(row)?.push(values.time, row, values.sequence);
    else if (values.time > 0) this.expirations.push(values.time, row, values.sequence);
    if (!this.#loading) this.dead.sweepFor(terms.count);
    return row;
  }

  /** Makes a stored row a refused one, at `time` in seconds since 1970. */
  refuse(row: number, state: number, time: number): void {
    this.restate(row, state);
    this.#refusalsOf(row)?.push(time, row, this.rows.sequence(row));
    this.#tidyExpirations();
  }

  /** Gives a living row another state, and no more. */
  restate(row: number, state: number): void {
    this.#count(row, -1);
    this.rows.setState(row, state);
    this.#count(row, 1);
  }

  /** Makes a refused row the stored one again that it was, which expires at `time`, in seconds since 1970. */
  restore(row: number, time: number): void {
    this.restate(row, rowState.stored);
    this.expirations.push(time, row, this.rows.sequence(row));
  }

  /** Takes a row out of the index. */
  kill(row: number): void {
    this.#count(row, -1);
    this.ids.remove(row);
    this.rows.setState(row, rowState.dead);
    this.dead.add(row);
    this.#tidyExpirations();
    for (const [rank, heap] of this.refusals.entries()) {
      this.#tidy(heap, this.refusedCounts[rank]!, (state) => state >= rowState.refusedFirst);
    }
  }

  /** Whether the entry of a heap still means its row, in such a state. */
  isCurrent(row: number, sequence: number, isState: (state: number) => boolean): boolean {
    return this.rows.sequence(row) === sequence && isState(this.rows.state(row));
  }

  /**
   * Runs `insertions` of many rows, and kills, in any order, much faster than one by one: the lists are put in order
   * at the end. Until then nothing but `find` works.
   */
  async load(insertions: () => Promise<void>): Promise<void> {
    this.#loading = true;
    await insertions();
    this.#loading = false;
    this.dead.sweepAll();
    const sorter = new ListSorter(this.lists);
    const sort = (ref: ListRef): ListRef => {
      sorter.sort(ref);
      return ref;
    };
    sort(this.all);
    for (let shard = 0; shard < termShards; shard += 1) this.terms.updateAll(shard, sort);
  }

  /** What is known of an event from its row. */
  removedEvent(row: number): RemovedEvent {
    return {
      id: this.rows.idHex(row),
      kind: this.rows.kind(row),
      pubkey: this.authors.hex(this.rows.author(row)),
      created_at: this.rows.createdAt(row),
      bytes: 2 ** this.rows.sizeLog(row),
    };
  }

  /** Counts what the rows are, when these were restored. */
  recount(): void {
    for (let row = 0; row < this.rows.end; row += 1) {
      const state = this.rows.state(row);
      if (state === rowState.free) continue;
      this.authors.holdAgain(this.rows.author(row));
      if (state !== rowState.dead) this.#count(row, 1);
    }
    this.authors.findFree();
  }

  /** Counts a living row in, or out with a `change` of -1. */
  #count(row: number, change: 1 | -1): void {
    const state = this.rows.state(row);
    const terms = this.rows.terms(row) * change;
    if (state === rowState.stored) {
      this.storedCount += change;
      this.storedTerms += terms;
      this.kindCounts[this.rows.kind(row)]! += change;
      if (change > 0) this.#standing.add(row);
      else this.#standing.remove(row);
    } else if (state === rowState.due) {
      this.dueCount += change;
    } else {
      const rank = refusedRankOf(state, this.rows.sizeLog(row));
      this.refusedCounts[rank]! += change;
      this.refusedTerms[rank]! += terms;
    }
  }

  #refusalsOf(row: number): TimeHeap | undefined {
    return this.refusals[refusedRankOf(this.rows.state(row), this.rows.sizeLog(row))];
  }

  #tidyExpirations(): void {
    const isOfStored = (state: number): boolean => state === rowState.stored || state === rowState.due;
    this.#tidy(this.expirations, this.storedCount + this.dueCount, isOfStored);
  }

  /** Rebuilds a heap when most of its entries mean nothing any more. */
  #tidy(heap: TimeHeap, living: number, isState: (state: number) => boolean): void {
    if (heap.size <= 2 * living + tidyEntriesMin) return;
    heap.retain((row, sequence) => this.isCurrent(row, sequence, isState));
  }
}
