import { errorCode } from '../../lib/errors.js';
import type { SegmentEntry } from '../log/log-target.js';
import type { Database } from './database.js';
import { segmentKey, segmentNumber, segmentsEnd } from './keys.js';

/** Segments, and bytes of them, that are read at once. */
const segmentsPerRead = 256;
const bytesPerRead = 1_048_576;

/** All segments from a number on, in their order. */
export async function* segmentEntries(db: Database, first: number): AsyncGenerator<SegmentEntry> {
  let next = first;
  try {
    for await (const [key, bytes] of entriesFrom(db, first)) {
      const number = segmentNumber(key);
      next = number + 1;
      yield { number, bytes };
    }
  } catch (error) {
    if (!isCorruption(error)) throw error;
    // A block is damaged, and what is read at once fails with it: one after another only those in it do.
    yield* oneByOne(db, next);
  }
}

export function isCorruption(error: unknown): boolean {
  return errorCode(error) === 'LEVEL_CORRUPTION';
}

async function* entriesFrom(db: Database, first: number): AsyncGenerator<[Uint8Array, Uint8Array]> {
  const range = { gte: segmentKey(first), lt: segmentsEnd };
  // Its types leave out what only LevelDB has.
  const iterator = db.iterator({
    ...range,
    fillCache: false,
    highWaterMarkBytes: bytesPerRead,
  } as typeof range);
  try {
    for (;;) {
      const entries = await iterator.nextv(segmentsPerRead);
      if (entries.length === 0) return;
      yield* entries;
    }
  } finally {
    await iterator.close();
  }
}

async function* oneByOne(db: Database, first: number): AsyncGenerator<SegmentEntry> {
  const [lastKey] = await db.keys({ gte: segmentKey(first), lt: segmentsEnd, reverse: true, limit: 1 }).all();
  const last = lastKey === undefined ? 0 : segmentNumber(lastKey);
  for (let number = first; number <= last; number += 1) {
    try {
      const bytes = await db.get(segmentKey(number));
      if (bytes !== undefined) yield { number, bytes };
    } catch (error) {
      if (!isCorruption(error)) throw error;
      yield { number, bytes: undefined };
    }
  }
}
