import { randomBytes } from 'node:crypto';
import type { EventIndex } from '../index/event-index.js';
import { keyWords } from '../index/rows/key-words.js';
import { type NewRow, rowState } from '../index/rows/row-table.js';
import type { TermList } from '../index/terms.js';

/*
 * A segment is what one write changed in the index, in 32-bit little-endian words:
 *
 *     header  | magic | checksum of what follows | next sequence lo, hi | number of records |
 *             | segment before: life, number lo, hi | this segment: life, number lo, hi |
 *     row     | 1, state, kind u16 | sizeLog, number of terms u24 | sequence lo, hi | created_at lo, hi |
 *             | time lo, hi | id 8 words | pubkey 8 words | terms, 2 words each |
 *     change  | 2, state | 0 | sequence lo, hi | time lo, hi | id 8 words |
 *
 * Replaying all segments in the order of their numbers builds the index. A change whose row is gone means nothing.
 * Each names the one before it, so that one that was lost is missed. What earlier programs wrote ends its header after
 * the number of records.
 */
const magic = 0x32677367;
const headerWords = 11;
const magicWithoutIds = 0x31677367;
const headerWordsWithoutIds = 5;
const rowType = 1;
const changeType = 2;
const rowWords = 24;
const changeWords = 14;
const termsMax = 2 ** 24 - 1;

/**
 * Which segment it is, whatever others had its number before or after a loss: the life of the store that wrote it, a
 * random number that each opening draws, and its number. One that compaction put in the place of several is the last.
 */
export type SegmentId = { readonly life: number; readonly number: number };

/** Stands before the first segment, and for the life of what earlier programs wrote. */
export const noSegment: SegmentId = { life: 0, number: 0 };

/** A life's number, which is never that of what earlier programs wrote. */
export function drawLife(): number {
  return randomBytes(4).readUInt32LE() || 1;
}

export function isSameSegment(a: SegmentId, b: SegmentId): boolean {
  return a.life === b.life && a.number === b.number;
}

/** What may stand in segments, in numbers. */
type Amounts = {
  readonly segments: number;
  readonly rows: number;
  readonly changes: number;
  readonly terms: number;
};

/** The bytes that so much takes; `terms` are those of all rows. */
export function segmentBytesOf({ segments, rows, changes, terms }: Amounts): number {
  return 4 * (segments * headerWords + rows * rowWords + changes * changeWords + terms * 2);
}

/** Collects the records of a segment. */
export class SegmentWriter {
  #words = new Uint32Array(256);
  #end = headerWords;
  records = 0;

  get bytes(): number {
    return this.#end * 4;
  }

  row(index: EventIndex, row: number, terms: TermList, time: number): void {
    const { rows, authors } = index;
    const count = Math.min(terms.count, termsMax);
    const words = this.#room(rowWords + count * 2);
    const at = this.#end;
    const author = rows.author(row);
    words[at] = rowType | (rows.state(row) << 8) | (rows.kind(row) << 16);
    words[at + 1] = rows.sizeLog(row) | (count << 8);
    writeWhole(words, at + 2, rows.sequence(row));
    writeWhole(words, at + 4, rows.createdAt(row));
    writeWhole(words, at + 6, time);
    copyKey(rows.keyPage(row), rows.keyOffset(row), words, at + 8);
    copyKey(authors.keyPage(author), authors.keyOffset(author), words, at + 16);
    words.set(terms.words.subarray(0, count * 2), at + rowWords);
    this.#end += rowWords + count * 2;
    this.records += 1;
  }

  change(index: EventIndex, row: number, time: number): void {
    const { rows } = index;
    const words = this.#room(changeWords);
    const at = this.#end;
    words[at] = changeType | (rows.state(row) << 8);
    words[at + 1] = 0;
    writeWhole(words, at + 2, rows.sequence(row));
    writeWhole(words, at + 4, time);
    copyKey(rows.keyPage(row), rows.keyOffset(row), words, at + 6);
    this.#end += changeWords;
    this.records += 1;
  }

  /** Takes a record of another segment as it is. */
  copy(record: Uint32Array): void {
    this.#room(record.length).set(record, this.#end);
    this.#end += record.length;
    this.records += 1;
  }

  /** The bytes of the segment; `nextSequence` is above all sequences that were given by now. */
  finish(nextSequence: number, before: SegmentId, id: SegmentId): Uint8Array {
    const words = this.#words.subarray(0, this.#end);
    words[0] = magic;
    writeWhole(words, 2, nextSequence);
    words[4] = this.records;
    writeId(words, 5, before);
    writeId(words, 8, id);
    words[1] = checksum(words);
    return new Uint8Array(words.buffer, 0, this.#end * 4);
  }

  #room(count: number): Uint32Array {
    if (this.#end + count > this.#words.length) {
      const words = new Uint32Array(Math.max(this.#words.length * 2, this.#end + count));
      words.set(this.#words.subarray(0, this.#end));
      this.#words = words;
    }
    return this.#words;
  }
}

/** A segment that was read. */
export type Segment = {
  readonly id: SegmentId;
  /** The one that was written before it; `undefined` where that was not noted. */
  readonly before: SegmentId | undefined;
  readonly nextSequence: number;
  readonly recordCount: number;
  /** Of all of it. */
  readonly bytes: number;
  /** Its records, one after the other. */
  readonly records: Uint32Array;
};

/** Reads and checks the segment with that number; `undefined` when it is damaged. */
export function readSegment(number: number, bytes: Uint8Array): Segment | undefined {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  const words = new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength >>> 2);
  const hasIds = words[0] === magic;
  const recordsAt = hasIds ? headerWords : headerWordsWithoutIds;
  if (!hasIds && words[0] !== magicWithoutIds) return undefined;
  if (words.length < recordsAt || words[1] !== checksum(words)) return undefined;
  // The sum is not of the magic: where that is damaged to the other one, records begin elsewhere.
  if (words[4] !== countOf(words, recordsAt)) return undefined;
  return {
    id: hasIds ? readId(words, 8) : { life: noSegment.life, number },
    before: hasIds ? readId(words, 5) : undefined,
    nextSequence: readWhole(words, 2),
    recordCount: words[4]!,
    bytes: bytes.byteLength,
    records: words.subarray(recordsAt),
  };
}

/** How many records there are from a place on; below 0 where the last is not whole, or one is of no type. */
function countOf(words: Uint32Array, start: number): number {
  let count = 0;
  let at = start;
  for (; at < words.length; count += 1) {
    const type = words[at]! & 0xff;
    if (type !== rowType && type !== changeType) return -1;
    at += lengthAt(words, at);
  }
  return at === words.length ? count : -1;
}

/** The words of the record that begins there. */
function lengthAt(words: Uint32Array, at: number): number {
  return (words[at]! & 0xff) === rowType ? rowWords + (words[at + 1]! >>> 8) * 2 : changeWords;
}

/** The records of a segment, in order, each with all its words. */
export function* recordsOf({ records: words }: Segment): Generator<Uint32Array> {
  for (let at = 0; at < words.length; ) {
    const length = lengthAt(words, at);
    yield words.subarray(at, at + length);
    at += length;
  }
}

/** Whether a record brings a row; else it changes one. */
export function isRow(record: Uint32Array): boolean {
  return (record[0]! & 0xff) === rowType;
}

const id = new Uint32Array(keyWords);

/** Makes in the index the change that a record tells of. */
export function applyRecord(index: EventIndex, record: Uint32Array, terms: TermList): void {
  const hasRow = isRow(record);
  id.set(record.subarray(hasRow ? 8 : 6, hasRow ? 16 : 14));
  const row = index.ids.find(id);
  if (!hasRow) {
    if (row >= 0 && index.rows.sequence(row) === readWhole(record, 2)) applyChange(index, row, record);
    return;
  }
  const values = rowOf(record);
  if (row >= 0 && index.rows.sequence(row) >= values.sequence) return;
  if (row >= 0) index.kill(row);
  terms.set(record, rowWords, record[1]! >>> 8);
  index.insert(values, terms);
}

/** Whether compaction keeps a record: its row still lives. */
export function isLive(index: EventIndex, record: Uint32Array): boolean {
  const hasRow = isRow(record);
  id.set(record.subarray(hasRow ? 8 : 6, hasRow ? 16 : 14));
  const row = index.ids.find(id);
  return row >= 0 && index.rows.sequence(row) === readWhole(record, 2);
}

function applyChange(index: EventIndex, row: number, record: Uint32Array): void {
  const state = (record[0]! >>> 8) & 0xff;
  if (state === rowState.dead) index.kill(row);
  else if (index.rows.state(row) === rowState.stored) index.refuse(row, state, readWhole(record, 4));
}

/** What a record says that brings a row. */
export function rowOf(record: Uint32Array): NewRow {
  return {
    id: record.subarray(8, 16),
    pubkey: record.subarray(16, 24),
    state: (record[0]! >>> 8) & 0xff,
    kind: record[0]! >>> 16,
    sizeLog: record[1]! & 0xff,
    sequence: readWhole(record, 2),
    createdAt: readWhole(record, 4),
    time: readWhole(record, 6),
  };
}

/** What a record says that changes a row. */
export function changeOf(record: Uint32Array): Pick<NewRow, 'id' | 'sequence' | 'state'> {
  return {
    id: record.subarray(6, 14),
    state: (record[0]! >>> 8) & 0xff,
    sequence: readWhole(record, 2),
  };
}

function copyKey(from: Uint32Array, fromAt: number, to: Uint32Array, toAt: number): void {
  for (let word = 0; word < keyWords; word += 1) to[toAt + word] = from[fromAt + word]!;
}

function writeId(words: Uint32Array, at: number, { life, number }: SegmentId): void {
  words[at] = life;
  writeWhole(words, at + 1, number);
}

function readId(words: Uint32Array, at: number): SegmentId {
  return { life: words[at]!, number: readWhole(words, at + 1) };
}

function writeWhole(words: Uint32Array, at: number, value: number): void {
  words[at] = value % 2 ** 32;
  words[at + 1] = value / 2 ** 32;
}

function readWhole(words: Uint32Array, at: number): number {
  return words[at + 1]! * 2 ** 32 + words[at]!;
}

/** Of all words after the checksum's own: it tells accidents, not intent. */
function checksum(words: Uint32Array): number {
  let sum = words.length;
  for (let at = 2; at < words.length; at += 1) {
    sum = Math.imul(sum ^ words[at]!, 0x9e3779b1);
    sum ^= sum >>> 15;
  }
  return sum >>> 0;
}
