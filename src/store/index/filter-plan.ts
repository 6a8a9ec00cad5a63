import { type Filter, isEmptyFilter, tagConditions } from '../../nostr/filter.js';
import { ColumnScan } from './column-scan.js';
import type { EventIndex } from './event-index.js';
import { gather, ListCheck, type ListCondition } from './list-condition.js';
import { ListCursor } from './postings/list-cursor.js';
import type { ListRef } from './postings/posting-lists.js';
import { RowSet } from './rows/row-set.js';
import { ArraySource, MergedSource, type RowSource } from './rows/row-source.js';
import { rowState, type TimeKey } from './rows/row-table.js';
import type { TermList } from './terms.js';

/** Which rows are asked for. */
export type RowClass = 'stored' | 'refused';

/** Most products of authors and kinds for which their common lists are looked up. */
const authorKindListsMax = 4_096;

/** Most rows in lists that are merged where order does not matter. */
const rowsMergedMax = 4_096;

/** Rows that are looked at in the time in which one value of a filter is looked up and its list begun. */
const visitsPerLookup = 8;

/** Rows of posting lists that are gathered in the time in which one row is looked at. */
const gatheredPerVisit = 16;

/**
 * A filter made ready against the index as it is: which lists are walked (those with the fewest rows) and what is
 * left to check of each row. Valid until the index changes.
 */
export class FilterPlan {
  /** Whether nothing can match. */
  readonly empty: boolean;
  /** What it took to make the plan, in rows that are looked at in that time. */
  readonly visitsMade: number;
  readonly #index: EventIndex;
  readonly #filter: Filter;
  readonly #since: number;
  readonly #wantsStored: boolean;
  readonly #walked: ListCondition | undefined;
  readonly #tags: readonly ListCondition[];
  /** What is to be checked of a row that comes from the walked lists, and of any other row. */
  readonly #ofWalked: RowCheck;
  readonly #ofAny: RowCheck;

  constructor(index: EventIndex, filter: Filter, rowClass: RowClass) {
    this.#index = index;
    this.#filter = filter;
    this.#since = filter.since ?? 0;
    this.#wantsStored = rowClass === 'stored';
    const conditions = isEmptyFilter(filter) ? [] : listConditions(index, filter);
    this.empty = isEmptyFilter(filter) || conditions.some(({ rowCount }) => rowCount === 0);
    const lookups = conditions.reduce((sum, condition) => sum + condition.lookups, filter.ids?.length ?? 0);
    this.visitsMade = lookups * visitsPerLookup;
    this.#walked = filter.ids === undefined ? fewestRows(conditions) : undefined;
    this.#tags = conditions.filter(({ name }) => name === 'tag');
    const lists = this.#tags.map((tag) => ({ tag, check: new ListCheck(index, tag) }));
    const checked = this.empty ? {} : filter;
    const kinds = checked.kinds && new Set(checked.kinds);
    const authors = checked.authors && new Set(checked.authors.map((author) => index.findAuthor(author)));
    const covered = this.#walked?.name;
    this.#ofAny = { kinds, authors, lists: lists.map(({ check }) => check) };
    this.#ofWalked = {
      kinds: covered === 'kind' || covered === 'authorKind' ? undefined : kinds,
      authors: covered === 'author' || covered === 'authorKind' ? undefined : authors,
      lists: lists.flatMap(({ tag, check }) => (tag === this.#walked ? [] : [check])),
    };
  }

  /** The rows to look at that are behind `from` and not newer than `until`, in order; stop at `isTooOld`. */
  candidates(from?: TimeKey): RowSource {
    const sources = this.#sources(from);
    return sources.length === 1 ? sources[0]! : new MergedSource(this.#index.rows, sources);
  }

  /** What it takes to go on to one more of them, in rows of a single list: the more lists are merged, the more. */
  get visitsPerCandidate(): number {
    return 1 + (Math.log2(this.#walked?.lists.length || 1) >>> 1);
  }

  isTooOld(row: number): boolean {
    return this.#index.rows.createdAt(row) < this.#since;
  }

  /** The most rows that can match. */
  get rowsMax(): number {
    if (this.empty) return 0;
    const { storedCount, refusedCount } = this.#index;
    const inLists = this.#filter.ids?.length ?? this.#walked?.rowCount ?? Number.POSITIVE_INFINITY;
    return Math.min(this.#wantsStored ? storedCount : refusedCount, inLists);
  }

  /** How many rows `forEachMatch` looks at. */
  get visits(): number {
    if (this.empty) return 0;
    if (this.#filter.ids !== undefined) return this.#filter.ids.length;
    if (this.readsRefusals) return this.#index.refusals.reduce((sum, { size }) => sum + size, 0);
    return this.readsColumns ? this.#index.rows.end : this.#walkedRows;
  }

  /** Whether all that is refused is looked at, which is less than what is to be walked. */
  get readsRefusals(): boolean {
    if (this.empty || this.#wantsStored || this.#filter.ids !== undefined) return false;
    return this.#index.refusedCount < this.#walkedRows / 4;
  }

  /**
   * Whether the columns are read from end to end: walking a list in its order jumps about in them, which costs more
   * where the list is a good part of all rows.
   */
  get readsColumns(): boolean {
    if (this.empty || this.#filter.ids !== undefined || this.#walked?.name === 'tag') return false;
    return this.#walkedRows > this.#index.rows.end / 8;
  }

  /**
   * What matches, for those who go over the columns by and by: valid while the index changes, but for rows that come
   * meanwhile. Takes its time for `visitsGathering` at once. Not for a filter with ids.
   */
  scanByAndBy(): ColumnScan {
    return this.#scan(this.#candidateSet());
  }

  /** What it takes to gather the rows for that, in rows that are looked at in that time. */
  get visitsGathering(): number {
    return Math.ceil(this.#gathered.reduce((sum, { rowCount }) => sum + rowCount, 0) / gatheredPerVisit);
  }

  /** What `matches` took beside looking at rows, so far, in rows that are looked at in that time. */
  get visitsChecking(): number {
    return this.#ofWalked.lists.reduce((sum, { gatheredRows }) => sum + gatheredRows, 0) / gatheredPerVisit;
  }

  /** Whether a row that `candidates` gave, and that is not too old, matches. */
  matches(row: number): boolean {
    return this.#passes(row, this.#ofWalked);
  }

  /** Calls `visit` with all rows that match, each once, in no order, until it gives false. */
  forEachMatch(visit: (row: number) => boolean): void {
    if (this.empty) return;
    const { rows, refusals } = this.#index;
    if (this.#filter.ids !== undefined) {
      this.#visitLists(visit);
    } else if (this.readsRefusals) {
      const visitMatch = (row: number, sequence: number): boolean => {
        const isMatch =
          rows.sequence(row) === sequence && this.#isInTime(row) && this.#passes(row, this.#ofAny);
        return !isMatch || visit(row);
      };
      refusals.every((heap) => heap.every(visitMatch));
    } else if (this.readsColumns) {
      this.#visitColumns(visit);
    } else {
      this.#visitLists(visit);
    }
  }

  get #walkedRows(): number {
    return this.#walked?.rowCount ?? this.#index.rows.end;
  }

  get #gathered(): readonly ListCondition[] {
    const isSelective = !this.readsColumns && this.#walked !== undefined && this.#walked.name !== 'tag';
    return isSelective ? [this.#walked, ...this.#tags] : this.#tags;
  }

  /** The rows that stand in the lists; `undefined` when these are as good as all. */
  #candidateSet(): RowSet | undefined {
    return this.#gathered.reduce<RowSet | undefined>((set, condition) => {
      const others = gather(this.#index, condition);
      set?.retain(others);
      return set ?? others;
    }, undefined);
  }

  #scan(candidates?: RowSet): ColumnScan {
    const { since, until } = this.#filter;
    const { kinds, authors } = this.#ofAny;
    const conditions = { wantsStored: this.#wantsStored, kinds, authors, since, until };
    return new ColumnScan(this.#index.rows, conditions, candidates);
  }

  #visitColumns(visit: (row: number) => boolean): void {
    const { lists } = this.#ofAny;
    const scan = this.#scan();
    // Small steps at first, for those who want no more than one match.
    for (let stepRows = 64; !scan.isDone; stepRows *= 2) {
      scan.step(stepRows);
      for (let at = 0; at < scan.foundCount; at += 1) {
        const row = scan.found[at]!;
        if (lists.every((check) => check.has(row)) && !visit(row)) return;
      }
    }
  }

  #visitLists(visit: (row: number) => boolean): void {
    // Merging gives each row once as well, but its cost grows with the number of lists; a set costs the same always.
    const isLong = (this.#walked?.rowCount ?? 0) > rowsMergedMax;
    const sources = isLong ? this.#sources(undefined) : [this.candidates()];
    const seen = sources.length > 1 ? new RowSet(this.#index.rows.end) : undefined;
    for (const source of sources) {
      for (; source.row >= 0 && !this.isTooOld(source.row); source.advance()) {
        if (!this.matches(source.row) || seen?.add(source.row) === false) continue;
        if (!visit(source.row)) return;
      }
    }
  }

  #passes(row: number, { kinds, authors, lists }: RowCheck): boolean {
    const { rows } = this.#index;
    const state = rows.state(row);
    if (this.#wantsStored ? state !== rowState.stored : state < rowState.refusedFirst) return false;
    if (kinds !== undefined && !kinds.has(rows.kind(row))) return false;
    if (authors !== undefined && !authors.has(rows.author(row))) return false;
    for (const check of lists) if (!check.has(row)) return false;
    return true;
  }

  #isInTime(row: number): boolean {
    const { since = 0, until = Number.POSITIVE_INFINITY } = this.#filter;
    const createdAt = this.#index.rows.createdAt(row);
    return createdAt >= since && createdAt <= until;
  }

  #sources(from: TimeKey | undefined): RowSource[] {
    if (this.empty) return [];
    const { lists, all } = this.#index;
    const until: TimeKey | undefined =
      this.#filter.until === undefined ? undefined : { createdAt: this.#filter.until, after: false };
    const start = from ?? until;
    if (this.#filter.ids !== undefined) return [this.#idSource(this.#filter.ids, start)];
    return (this.#walked?.lists ?? [all]).map((list) => new ListCursor(lists, list, start));
  }

  #idSource(ids: readonly string[], from: TimeKey | undefined): RowSource {
    const { rows } = this.#index;
    const found = [...new Set(ids)].flatMap((id) => {
      const row = this.#index.find(id);
      return row >= 0 && (from === undefined || rows.isBehind(row, from)) ? [row] : [];
    });
    return new ArraySource(found.sort((a, b) => rows.compare(a, b)));
  }
}

/** Kinds and authors one of which a row must have, absent where any will do, and lists that it must stand in. */
type RowCheck = {
  readonly kinds: ReadonlySet<number> | undefined;
  readonly authors: ReadonlySet<number> | undefined;
  readonly lists: readonly ListCheck[];
};

/** What of a filter posting lists can answer, up to the first condition that has no rows: then nothing can match. */
function listConditions(index: EventIndex, filter: Filter): ListCondition[] {
  const conditions: ListCondition[] = [];
  for (const condition of eachCondition(index, filter)) {
    conditions.push(condition);
    if (condition.rowCount === 0) break;
  }
  return conditions;
}

/** First those that are most likely to have no rows. */
function* eachCondition(index: EventIndex, filter: Filter): Generator<ListCondition> {
  const { authors, kinds } = filter;
  for (const [letter, values] of tagConditions(filter)) {
    yield condition(index, 'tag', values, (terms, value) => terms.tag(letter, value));
  }
  if (authors !== undefined) {
    yield condition(index, 'author', authors, (terms, author) => terms.author(author));
  }
  if (kinds !== undefined) {
    yield condition(index, 'kind', kinds, (terms, kind) => terms.kind(kind));
  }
  if (authors !== undefined && kinds !== undefined && authors.length * kinds.length <= authorKindListsMax) {
    const pairs = authors.flatMap((author) => kinds.map((kind) => [author, kind] as const));
    yield condition(index, 'authorKind', pairs, (terms, [author, kind]) => terms.authorKind(author, kind));
  }
}

function condition<T>(
  index: EventIndex,
  name: string,
  values: readonly T[],
  write: (terms: TermList, value: T) => void,
): ListCondition {
  const lists = new Set<ListRef>();
  let rowCount = 0;
  for (const value of values) {
    const list = index.listOf((terms) => write(terms, value));
    if (list === 0 || lists.has(list)) continue;
    lists.add(list);
    rowCount += index.lists.count(list);
  }
  return { lists: [...lists], rowCount, name, lookups: values.length };
}

function fewestRows(conditions: readonly ListCondition[]): ListCondition | undefined {
  return conditions.reduce<ListCondition | undefined>(
    (best, next) => (best === undefined || next.rowCount < best.rowCount ? next : best),
    undefined,
  );
}
