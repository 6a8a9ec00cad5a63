import { type Filter, isEmptyFilter } from '../../nostr/filter.js';
import { ColumnScan } from './column-scan.js';
import type { EventIndex } from './event-index.js';
import { Gathering } from './gathering.js';
import { type CheckCost, ListCheck } from './list-check.js';
import { conditionToWalk, type ListCondition, listConditions } from './list-condition.js';
import { ListCursor } from './postings/list-cursor.js';
import { RowSet } from './rows/row-set.js';
import { ArraySource, MergedSource, type RowSource } from './rows/row-source.js';
import { rowState, type TimeKey } from './rows/row-table.js';

/** Which rows are asked for. */
export type RowClass = 'stored' | 'refused';

/** Most rows in lists that are merged where order does not matter. */
const rowsMergedMax = 4_096;

/** Rows that are looked at in the time in which one value of a filter is looked up and its list begun. */
const visitsPerLookup = 8;

/** Binary logarithm of the lists that a row is passed in, beside the first, in the time in which one row is looked at. */
const stepsPerVisitLog = 2;

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
  /** Of the checks. */
  readonly #cost: CheckCost = { visits: 0 };
  readonly #visitsPerCandidate: number;

  constructor(index: EventIndex, filter: Filter, rowClass: RowClass) {
    this.#index = index;
    this.#filter = filter;
    this.#since = filter.since ?? 0;
    this.#wantsStored = rowClass === 'stored';
    const conditions = isEmptyFilter(filter) ? [] : listConditions(index, filter);
    this.empty = isEmptyFilter(filter) || conditions.some(({ rowCount }) => rowCount === 0);
    const lookups = conditions.reduce((sum, condition) => sum + condition.lookups, filter.ids?.length ?? 0);
    this.visitsMade = lookups * visitsPerLookup;
    this.#walked = filter.ids === undefined ? conditionToWalk(conditions) : undefined;
    this.#visitsPerCandidate = 1 + (Math.log2(this.#walked?.lists.length || 1) >>> 1);
    this.#tags = conditions.filter(({ name }) => name === 'tag');
    const lists = this.#tags.map((tag) => ({ tag, check: new ListCheck(index, tag, this.#cost) }));
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

  /**
   * What it takes to go past one of them, in rows of a single list, by the number of lists that have it: the more lists are
   * merged, the more.
   */
  visitsOfSteps(steps: number): number {
    return this.#visitsPerCandidate + ((steps - 1) >>> stepsPerVisitLog);
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
   * The rows that stand in the lists, for those who go over the columns by and by (`scan`): to be gathered first. Both are
   * valid while the index changes, but for rows that come meanwhile.
   */
  gathering(): Gathering {
    const isSelective = !this.readsColumns && this.#walked !== undefined && this.#walked.name !== 'tag';
    const gathered = isSelective ? [this.#walked, ...this.#tags] : this.#tags;
    return new Gathering(this.#index, gathered, this.#idRows());
  }

  /** What matches of the rows that were gathered. */
  scan(candidates: RowSet | undefined): ColumnScan {
    const { since, until } = this.#filter;
    const { kinds, authors } = this.#ofAny;
    const conditions = { wantsStored: this.#wantsStored, kinds, authors, since, until };
    return new ColumnScan(this.#index.rows, conditions, candidates);
  }

  /** What `matches` and `forEachMatch` took beside looking at rows, so far, in rows that are looked at in that time. */
  get visitsChecking(): number {
    return this.#cost.visits;
  }

  /** The most that `forEachMatch` takes for that. */
  get visitsCheckingMax(): number {
    const { lists } = this.readsRefusals ? this.#ofAny : this.#ofWalked;
    return lists.reduce((sum, check) => sum + check.visitsMax(this.visits), 0);
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

  #visitColumns(visit: (row: number) => boolean): void {
    const { lists } = this.#ofAny;
    const scan = this.scan(undefined);
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

  /** The rows that have the ids of the filter; `undefined` where it has none. */
  #idRows(): RowSet | undefined {
    if (this.#filter.ids === undefined) return undefined;
    const set = new RowSet(this.#index.rows.end);
    for (const id of this.#filter.ids) {
      const row = this.#index.find(id);
      if (row >= 0) set.add(row);
    }
    return set;
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
