/* One filter against many events that stand in rows. */
import {
  QUERY_AUTHORS,
  QUERY_KINDS,
  QUERY_SINCE,
  QUERY_TAG_BITS,
  QUERY_UNTIL,
  ROW_AUTHOR,
  ROW_BYTES,
  ROW_CREATED_AT,
  ROW_KIND,
  ROW_TAGS,
  ROW_TAG_COUNT,
} from './layout';

/** Whether the tags of a row fulfil all conditions about tags. */
// @ts-ignore: decorator
@inline
function tagsMatch(row: usize, marks: usize, wanted: u64): bool {
  let at = <usize>load<u32>(row, ROW_TAGS);
  const end = at + (<usize>load<u32>(row, ROW_TAG_COUNT) << 2);
  let missing = wanted;
  for (; at < end; at += 4) {
    const mark = load<u8>(marks + load<u32>(at));
    if (mark != 0) missing &= ~((<u64>1) << (mark - 1));
  }
  return missing == 0;
}

/** All but the tags is put together without branches: in rows of any order the processor would mispredict them. */
// @ts-ignore: decorator
@inline
function rowMatches(
  row: usize,
  marks: usize,
  since: f64,
  until: f64,
  tagBits: u64,
  anyAuthor: u32,
  anyKind: u32,
): bool {
  const author = load<u32>(row, ROW_AUTHOR);
  const createdAt = load<f64>(row, ROW_CREATED_AT);
  const fits =
    <u32>(author != 0) &
    (<u32>(load<u8>(marks + author) != 0) | anyAuthor) &
    (<u32>(load<u8>(marks + load<u32>(row, ROW_KIND)) != 0) | anyKind) &
    // Not refused, rather than accepted: a time that is no number passes, as in any other implementation.
    <u32>!(createdAt < since) &
    <u32>!(createdAt > until);
  return fits != 0 && (tagBits == 0 || tagsMatch(row, marks, tagBits));
}

/** Writes the numbers of those of the first `count` rows that match to `out`, and gives how many they are. */
export function selectRows(rows: usize, count: u32, marks: usize, query: usize, out: usize): u32 {
  const since = load<f64>(query, QUERY_SINCE);
  const until = load<f64>(query, QUERY_UNTIL);
  const tagBits = load<u64>(query, QUERY_TAG_BITS);
  const anyAuthor = <u32>(load<u32>(query, QUERY_AUTHORS) == 0);
  const anyKind = <u32>(load<u32>(query, QUERY_KINDS) == 0);
  let to = out;
  for (let i: u32 = 0; i < count; i++) {
    const row = rows + <usize>i * ROW_BYTES;
    if (!rowMatches(row, marks, since, until, tagBits, anyAuthor, anyKind)) continue;
    store<u32>(to, i);
    to += 4;
  }
  return <u32>((to - out) >> 2);
}

/** Leaves those of the `count` rows in `list` that match, in its beginning, and gives how many they are. */
export function selectAmong(rows: usize, list: usize, count: u32, marks: usize, query: usize): u32 {
  const since = load<f64>(query, QUERY_SINCE);
  const until = load<f64>(query, QUERY_UNTIL);
  const tagBits = load<u64>(query, QUERY_TAG_BITS);
  const anyAuthor = <u32>(load<u32>(query, QUERY_AUTHORS) == 0);
  const anyKind = <u32>(load<u32>(query, QUERY_KINDS) == 0);
  let to = list;
  const end = list + (<usize>count << 2);
  for (let at = list; at < end; at += 4) {
    const number = load<u32>(at);
    const row = rows + <usize>number * ROW_BYTES;
    if (!rowMatches(row, marks, since, until, tagBits, anyAuthor, anyKind)) continue;
    store<u32>(to, number);
    to += 4;
  }
  return <u32>((to - list) >> 2);
}

/** Moves the tags of all rows in use to `to`, one after another, and gives the bytes that they take. */
export function moveTags(rows: usize, count: u32, to: usize): u32 {
  const start = to;
  for (let i: u32 = 0; i < count; i++) {
    const row = rows + <usize>i * ROW_BYTES;
    if (load<u32>(row, ROW_AUTHOR) == 0) continue;
    const bytes = <usize>load<u32>(row, ROW_TAG_COUNT) << 2;
    memory.copy(to, <usize>load<u32>(row, ROW_TAGS), bytes);
    store<u32>(row, <u32>to, ROW_TAGS);
    to += bytes;
  }
  return <u32>(to - start);
}
