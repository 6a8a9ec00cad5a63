import { type Filter, tagConditions } from '../../nostr/filter.js';
import type { EventIndex } from './event-index.js';
import type { ListRef } from './postings/posting-lists.js';
import type { TermList } from './terms.js';

/** A condition of a filter that posting lists answer: a row matches if it stands in one of them. */
export type ListCondition = {
  readonly lists: readonly ListRef[];
  readonly rowCount: number;
  readonly name: string;
  /** How many values were looked up for it. */
  readonly lookups: number;
  /** The list of one of these values, 0 if there is none: also when the index has changed, unlike `lists`. */
  listAt(value: number): ListRef;
};

/** Most rows of lists that are gathered in one turn to check other rows by them. */
export const rowsGatheredMax = 1_048_576;

/** Most products of authors and kinds for which their common lists are looked up. */
const authorKindListsMax = 4_096;

/** What of a filter posting lists can answer, up to the first condition that has no rows: then nothing can match. */
export function listConditions(index: EventIndex, filter: Filter): ListCondition[] {
  const conditions: ListCondition[] = [];
  for (const condition of eachCondition(index, filter)) {
    conditions.push(condition);
    if (condition.rowCount === 0) break;
  }
  return conditions;
}

/**
 * The condition whose lists are walked: that with the fewest rows. But where another has more rows than are gathered in a
 * turn, each row that is walked is searched for in each of its lists; where that takes longer, these are walked.
 */
export function conditionToWalk(conditions: readonly ListCondition[]): ListCondition | undefined {
  const fewest = fewestRows(conditions);
  if (fewest === undefined) return undefined;
  const costly = conditions.filter(
    ({ name, rowCount, lists }) =>
      name === 'tag' && rowCount > rowsGatheredMax && rowCount < fewest.rowCount * lists.length,
  );
  return fewestRows(costly) ?? fewest;
}

function fewestRows(conditions: readonly ListCondition[]): ListCondition | undefined {
  return conditions.reduce<ListCondition | undefined>(
    (best, next) => (best === undefined || next.rowCount < best.rowCount ? next : best),
    undefined,
  );
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
  const listOf = (value: T): ListRef => index.listOf((terms) => write(terms, value));
  const lists = new Set<ListRef>();
  let rowCount = 0;
  for (const value of values) {
    const list = listOf(value);
    if (list === 0 || lists.has(list)) continue;
    lists.add(list);
    rowCount += index.lists.count(list);
  }
  return {
    lists: [...lists],
    rowCount,
    name,
    lookups: values.length,
    listAt: (value) => listOf(values[value]!),
  };
}
