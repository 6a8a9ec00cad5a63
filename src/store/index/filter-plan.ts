import { type Filter, isEmptyFilter, tagConditions } from '../../nostr/filter.js';
import type { EventIndex } from './event-index.js';
import { ListCursor, type ListRef } from './posting-lists.js';
import { RowSet } from './row-set.js';
import { ArraySource, MergedSource, type RowSource } from './row-source.js';
import { rowState, type TimeKey } from './row-table.js';
import { TermList } from './terms.js';

/** Which rows are asked for. */
export type RowClass = 'stored' | 'refused';

/** Most products of authors and kinds for which their common lists are looked up. */
const authorKindListsMax = 4_096;

/** A condition of a filter that posting lists answer: a row matches if it stands in one of them. */
type ListCondition = { readonly lists: readonly ListRef[]; readonly rowCount: number; readonly name: string };

/**
 * A filter made ready against the index as it is: which lists are walked (those with the fewest rows) and what is
 * left to check of each row. Valid until the index changes.
 */
export class FilterPlan {
  /** Whether nothing can match. */
  readonly empty: boolean;
  readonly #index: EventIndex;
  readonly #filter: Filter;
  readonly #since: number;
  readonly #wantsStored: boolean;
  readonly #kinds: ReadonlySet<number> | undefined;
  readonly #authors: ReadonlySet<number> | undefined;
  readonly #walked: ListCondition | undefined;
  readonly #checks: readonly ListCheck[];

  constructor(index: EventIndex, filter: Filter, rowClass: RowClass) {
    this.#index = index;
    this.#filter = filter;
    this.#since = filter.since ?? 0;
    this.#wantsStored = rowClass === 'stored';
    const conditions = isEmptyFilter(filter) ? undefined : listConditions(index, filter);
    this.empty = conditions === undefined || conditions.some((condition) => condition.rowCount === 0);
    const tags = (conditions ?? []).filter((condition) => condition.name === 'tag');
    this.#walked = filter.ids === undefined ? fewestRows(conditions ?? []) : undefined;
    this.#checks = tags.flatMap((tag) => (tag === this.#walked ? [] : [new ListCheck(index, tag)]));
    const covered = this.#walked?.name;
    this.#kinds =
      filter.kinds === undefined || covered === 'kind' || covered === 'authorKind'
        ? undefined
        : new Set(filter.kinds);
    this.#authors =
      filter.authors === undefined || covered === 'author' || covered === 'authorKind'
        ? undefined
        : new Set(filter.authors.map((author) => index.findAuthor(author)));
  }

  /** How many rows `candidates` walks at most. */
  get rowCount(): number {
    if (this.empty) return 0;
    return this.#filter.ids?.length ?? this.#walked?.rowCount ?? this.#index.lists.count(this.#index.all);
  }

  /** Whether `candidates` can give no row twice in any order, for one list is all there is. */
  get singleList(): boolean {
    return this.#filter.ids === undefined && (this.#walked?.lists.length ?? 1) === 1;
  }

  /** The rows to look at that are behind `from` and not newer than `until`, in order; stop at `isTooOld`. */
  candidates(from?: TimeKey): RowSource {
    const sources = this.#sources(from);
    return sources.length === 1 ? sources[0]! : new MergedSource(this.#index.rows, sources);
  }

  /** The same one list after the other, so not in order and some twice: cheaper when order does not matter. */
  unordered(): readonly RowSource[] {
    return this.#sources(undefined);
  }

  isTooOld(row: number): boolean {
    return this.#index.rows.createdAt(row) < this.#since;
  }

  /** Whether a row that is not too old matches. */
  matches(row: number): boolean {
    const { rows } = this.#index;
    const state = rows.state(row);
    if (this.#wantsStored ? state !== rowState.stored : state < rowState.refusedFirst) return false;
    if (this.#kinds !== undefined && !this.#kinds.has(rows.kind(row))) return false;
    if (this.#authors !== undefined && !this.#authors.has(rows.author(row))) return false;
    for (const check of this.#checks) if (!check.has(row)) return false;
    return true;
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

/** What of a filter posting lists can answer. */
function listConditions(index: EventIndex, filter: Filter): ListCondition[] {
  const { authors, kinds } = filter;
  const conditions = tagConditions(filter).map(([letter, values]) =>
    condition(index, 'tag', values, (terms, value) => terms.tag(letter, value)),
  );
  if (authors !== undefined) {
    conditions.push(condition(index, 'author', authors, (terms, author) => terms.author(author)));
  }
  if (kinds !== undefined) {
    conditions.push(condition(index, 'kind', kinds, (terms, kind) => terms.kind(kind)));
  }
  if (authors !== undefined && kinds !== undefined && authors.length * kinds.length <= authorKindListsMax) {
    const pairs = authors.flatMap((author) => kinds.map((kind) => [author, kind] as const));
    const both = condition(index, 'authorKind', pairs, (terms, [author, kind]) =>
      terms.authorKind(author, kind),
    );
    conditions.push(both);
  }
  return conditions;
}

function condition<T>(
  index: EventIndex,
  name: string,
  values: readonly T[],
  write: (terms: TermList, value: T) => void,
): ListCondition {
  const terms = new TermList(index.hasher);
  const lists = new Set<ListRef>();
  let rowCount = 0;
  for (const value of values) {
    terms.clear();
    write(terms, value);
    const list = index.terms.get(terms.words[0]!, terms.words[1]!);
    if (list === 0 || lists.has(list)) continue;
    lists.add(list);
    rowCount += index.lists.count(list);
  }
  return { lists: [...lists], rowCount, name };
}

function fewestRows(conditions: readonly ListCondition[]): ListCondition | undefined {
  return conditions.reduce<ListCondition | undefined>(
    (best, next) => (best === undefined || next.rowCount < best.rowCount ? next : best),
    undefined,
  );
}

/** Searches that a check makes before it gathers its rows into a set. */
const searchesPerRow = 1 / 16;

/** Whether rows stand in one of some lists: by binary search at first, by a set of all their rows when asked often. */
class ListCheck {
  readonly #index: EventIndex;
  readonly #condition: ListCondition;
  #searches = 0;
  #set: RowSet | undefined;

  constructor(index: EventIndex, condition: ListCondition) {
    this.#index = index;
    this.#condition = condition;
  }

  has(row: number): boolean {
    if (this.#set !== undefined) return this.#set.has(row);
    this.#searches += this.#condition.lists.length;
    if (this.#searches > 64 + this.#condition.rowCount * searchesPerRow) {
      this.#set = this.#gather();
      return this.#set.has(row);
    }
    return this.#condition.lists.some((list) => this.#index.lists.contains(list, row));
  }

  #gather(): RowSet {
    const set = new RowSet(this.#index.rows.end);
    for (const list of this.#condition.lists) {
      const cursor = new ListCursor(this.#index.lists, list, undefined);
      for (; cursor.row >= 0; cursor.advance()) set.add(cursor.row);
    }
    return set;
  }
}
