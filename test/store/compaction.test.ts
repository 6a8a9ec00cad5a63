import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EventIndex } from '../../src/store/index/event-index.js';
import { TermList } from '../../src/store/index/terms.js';
import { type Database, openDatabase, readMeta } from '../../src/store/level/database.js';
import { metaKeys, segmentKey } from '../../src/store/level/keys.js';
import { levelLog } from '../../src/store/level/level-log.js';
import { Compaction, usualCompaction } from '../../src/store/log/compaction.js';
import type { LogTarget } from '../../src/store/log/log-target.js';
import { noSegment, readSegment, SegmentWriter } from '../../src/store/log/segment.js';

const life = 7;
const segments = 4;
const rowsPerSegment = 20;
/** So that two segments are a step. */
const termsPerRow = 4_000;

describe('the compaction of the log', () => {
  let path: string;
  let db: Database;
  let target: LogTarget;

  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'graspd-compaction-'));
    db = await openDatabase(path);
    target = levelLog(db, 'system');
  });

  afterEach(async () => {
    await db.close();
    await rm(path, { recursive: true });
  });

  /** Writes a log of large rows; gives the index of it. */
  async function writeLog(): Promise<EventIndex> {
    const index = new EventIndex(Buffer.alloc(8));
    const terms = new TermList(index.hasher);
    for (let number = 1; number <= segments; number += 1) {
      const writer = new SegmentWriter();
      for (let at = 0; at < rowsPerSegment; at += 1) {
        const sequence = index.nextSequence;
        const key = new Uint32Array(8).fill(sequence);
        terms.clear();
        for (let term = 0; term < termsPerRow; term += 1) terms.tag('t', `${sequence} ${term}`);
        const row = index.insert(
          { id: key, pubkey: key, createdAt: sequence, kind: 1, sequence, state: 2, sizeLog: 8, time: 0 },
          terms,
        );
        writer.row(index, row, terms, 0);
      }
      const before = number === 1 ? noSegment : { life, number: number - 1 };
      await db.put(segmentKey(number), writer.finish(index.nextSequence, before, { life, number }));
    }
    return index;
  }

  const killOf = (index: EventIndex, sequence: number) =>
    index.kill(index.ids.find(new Uint32Array(8).fill(sequence)));

  async function logBytes(): Promise<number> {
    const values = await db.values({ gte: segmentKey(0), lt: Buffer.from('t') }).all();
    return values.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** Of a log that has so many bytes, in few records. */
  const isDue = (index: EventIndex, bytes: number): boolean => {
    const size = { segments, records: segments * rowsPerSegment, bytes, last: { life, number: segments } };
    return new Compaction(target, index, size, noSegment).isDue();
  };

  async function step(compaction: Compaction): Promise<void> {
    await compaction.prepare();
    const rewriting = compaction.take();
    await target.write({
      segments: new Map(rewriting && [[rewriting.number, rewriting.bytes]]),
      goneSegments: rewriting?.gone ?? [],
      ...{ bodies: new Map(), goneBodies: [], journal: new Map(), reasons: undefined },
      compactedThrough: rewriting?.through,
    });
  }

  it('keeps the chain of segments, and its mark where an earlier pass has been further', async () => {
    const index = await writeLog();
    const size = {
      ...{ segments, records: segments * rowsPerSegment, bytes: await logBytes() },
      last: { life, number: segments },
    };
    const compaction = new Compaction(target, index, size, noSegment);
    for (let at = 1; at <= rowsPerSegment * 2; at += 1) killOf(index, at);
    await step(compaction);
    expect(await readMeta(db, metaKeys.compaction)).toEqual({ life, number: 2 });
    await step(compaction);
    expect(await readMeta(db, metaKeys.compaction)).toEqual({ life, number: 4 });
    await step(compaction);

    const keys = await db.iterator({ gte: segmentKey(0), lt: Buffer.from('t') }).all();
    const read = keys.map(([, value]) => readSegment(0, value)!);
    expect(read.map(({ before, id, recordCount }) => ({ before, id, recordCount }))).toEqual([
      { before: noSegment, id: { life, number: 2 }, recordCount: 0 },
      { before: { life, number: 2 }, id: { life, number: 4 }, recordCount: rowsPerSegment * 2 },
    ]);
    const bytes = await logBytes();
    expect(size).toEqual({ segments: 2, records: rowsPerSegment * 2, bytes, last: { life, number: 4 } });

    killOf(index, rowsPerSegment * 2 + 1);
    await step(compaction);
    expect(await readMeta(db, metaKeys.compaction)).toEqual({ life, number: 4 });
  });

  it('leaves so many of the newest segments alone, and is not due again for what these hold', async () => {
    const index = await writeLog();
    const bytes = await logBytes();
    const size = { segments, records: segments * rowsPerSegment, bytes, last: { life, number: segments } };
    const compaction = new Compaction(target, index, size, noSegment, {
      ...usualCompaction,
      segmentsSpared: 2,
    });
    for (let at = 1; at <= rowsPerSegment * segments; at += 1) killOf(index, at);
    await step(compaction);
    expect(await readMeta(db, metaKeys.compaction)).toEqual({ life, number: 2 });
    expect(size).toMatchObject({ segments: 3, records: rowsPerSegment * 2, last: { life, number: 4 } });
    expect(compaction.isDue()).toBe(true);
    await step(compaction);
    expect(size.segments).toBe(3);
    // As if what was left alone held many records of rows that are gone.
    size.records = 1_000_000;
    expect(compaction.isDue()).toBe(true);
    for (let steps = 0; compaction.isDue() && steps < 10; steps += 1) await step(compaction);
    expect(compaction.isDue()).toBe(false);
    size.records = 2_000_000;
    expect(compaction.isDue()).toBe(true);
  });

  it('is due when few records of rows that are gone are most of its bytes', async () => {
    const index = await writeLog();
    const bytes = await logBytes();
    expect(isDue(index, bytes)).toBe(false);
    const idle = 16 * 2 ** 20;
    // The log needs all that it has: half as much again is put up with, and some more.
    expect(isDue(index, bytes * 1.5 + idle)).toBe(false);
    expect(isDue(index, bytes * 1.5 + idle + 100)).toBe(true);
    for (let at = 1; at <= rowsPerSegment * segments; at += 1) killOf(index, at);
    expect(isDue(index, idle)).toBe(false);
    expect(isDue(index, idle + 1_000)).toBe(true);
  });
});
