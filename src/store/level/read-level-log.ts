import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Losses } from '../log/losses.js';
import { type Identity, type LogOptions, type ReadLog, readLog } from '../log/replay.js';
import { noSegment, type SegmentId } from '../log/segment.js';
import { type Database, damaged, openAgain, readMeta } from './database.js';
import { databasePath } from './folder.js';
import { metaKeys } from './keys.js';
import { segmentEntries } from './segment-entries.js';

/** The index, the log that it was built from, and up to which segment that was compacted. */
export type ReadLevelLog = ReadLog & { readonly compactedThrough: SegmentId };

/** As `readLog`, of the log in a LevelDB. Throws `StoreError`. */
export async function readLevelLog(
  db: Database,
  path: string,
  identity: Identity,
  losses: Losses,
  options: LogOptions = {},
): Promise<ReadLevelLog> {
  const compactedThrough = await readCompactedThrough(db, path);
  const segments = (first: number) => segmentEntries(db, first);
  const read = await readLog({ ...identity, segments, path, compactedThrough }, losses, options);
  if (read.isWhole) {
    // LevelDB keeps the files that it read mapped into memory; after a whole log these are most of what it may.
    await db.close();
    await openAgain(db, path);
  }
  return { ...read, compactedThrough };
}

/** What LevelDB writes in its own log between a file and how many bytes of it it passed over. */
const dropping = ': dropping ';

/** Adds what LevelDB says that it left out of its files when it was opened, right now. */
export async function readDroppings(path: string, losses: Losses): Promise<void> {
  const text = await readFile(join(databasePath(path), 'LOG'), 'utf8').catch(() => '');
  for (const line of text.split('\n')) {
    const at = line.indexOf(dropping);
    if (at < 0) continue;
    const file = line.slice(line.lastIndexOf('/', at) + 1, at);
    const what = line.slice(at + dropping.length);
    losses.note(`damaged in events/${file}, and what was written there is lost: ${what}`);
  }
}

async function readCompactedThrough(db: Database, path: string): Promise<SegmentId> {
  const through = (await readMeta(db, metaKeys.compaction)) ?? noSegment;
  // Earlier programs noted the number alone.
  if (typeof through === 'number') return { life: noSegment.life, number: through };
  const { life, number } = through as Partial<SegmentId>;
  if (typeof life !== 'number' || typeof number !== 'number') {
    throw damaged(path, 'its compaction mark is damaged');
  }
  return { life, number };
}
