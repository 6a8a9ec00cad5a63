import type { EventIndex } from '../../index/event-index.js';
import { ListCursor } from '../../index/postings/list-cursor.js';
import type { ListRef } from '../../index/postings/posting-lists.js';
import { keyWords } from '../../index/rows/key-words.js';
import { rowState } from '../../index/rows/row-table.js';

/**
 * How an index differs from another that is to have the same rows, whatever their numbers: rows, lists and times, a few
 * words each. Nothing where they are the same in all that an answer can come from.
 */
export function* indexDifferences(one: EventIndex, other: EventIndex): Generator<string> {
  const counts = [one, other].map(({ storedCount, refusedCount }) => `${storedCount} and ${refusedCount}`);
  if (counts[0] !== counts[1]) yield `${counts[0]} stored and refused events, of ${counts[1]}`;
  for (let row = 0; row < one.rows.end; row += 1) {
    if (one.rows.state(row) < rowState.stored) continue;
    const offset = one.rows.keyOffset(row);
    const twin = other.ids.find(one.rows.keyPage(row).subarray(offset, offset + keyWords));
    const said = `event ${one.rows.idHex(row)}`;
    if (twin < 0) yield `${said} is not in the other`;
    else if (wordsOf(one, row) !== wordsOf(other, twin))
      yield `${said} is ${wordsOf(one, row)}, in the other ${wordsOf(other, twin)}`;
  }
  yield* listDifferences(one, other);
  const times = [one, other].map(timesOf);
  if (times[0] !== times[1]) yield 'other times at which events expire or were refused';
}

/** All that a row says beside its id. */
function wordsOf({ rows, authors }: EventIndex, row: number): string {
  return [
    `sequence ${rows.sequence(row)}`,
    `state ${rows.state(row)}`,
    `kind ${rows.kind(row)}`,
    `time ${rows.createdAt(row)}`,
    `size ${rows.sizeLog(row)}`,
    `terms ${rows.terms(row)}`,
    `address ${rows.address(row).join('-')}`,
    `author ${authors.hex(rows.author(row))}`,
  ].join(', ');
}

function* listDifferences(one: EventIndex, other: EventIndex): Generator<string> {
  if (!isSame(livingOf(one, one.all), livingOf(other, other.all))) yield 'another list of all events';
  let entries = 0;
  for (const [lo, hi, list] of one.terms.entries()) {
    const living = livingOf(one, list);
    entries += living.length;
    if (!isSame(living, livingOf(other, other.terms.get(lo, hi))))
      yield `another list of the term ${hi}-${lo}`;
  }
  for (const [, , list] of other.terms.entries()) entries -= livingOf(other, list).length;
  if (entries !== 0) yield `${Math.abs(entries)} entries of lists more or less`;
}

/** The sequences of a list's rows, in their order, without those that are dead. */
function livingOf({ lists, rows }: EventIndex, list: ListRef): number[] {
  const living: number[] = [];
  const cursor = new ListCursor(lists, list, undefined);
  for (; cursor.row >= 0; cursor.advance())
    if (rows.state(cursor.row) >= rowState.stored) living.push(rows.sequence(cursor.row));
  return living;
}

/** When rows expire or were refused, as text. */
function timesOf(index: EventIndex): string {
  const isStored = (state: number) => state === rowState.stored;
  const isRefused = (state: number) => state >= rowState.refusedFirst;
  const found: string[] = [];
  for (const [at, heap] of [index.expirations, ...index.refusals].entries()) {
    const { times, sequences, rows } = heap.dump();
    for (const [entry, time] of times.entries()) {
      const sequence = sequences[entry]!;
      if (index.isCurrent(rows[entry]!, sequence, at === 0 ? isStored : isRefused))
        found.push(`${sequence} ${at === 0 ? 'expires' : 'refused'} ${time}`);
    }
  }
  return [...new Set(found)].sort().join('\n');
}

function isSame(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((sequence, at) => sequence === other[at]);
}
