import { errorMessage } from '../../lib/errors.js';
import { StoreError } from '../event-store.js';
import type { LogTarget, LogWrite } from '../log/log-target.js';
import { readBodies } from './body-reader.js';
import { type Database, jsonBytes } from './database.js';
import { journalRecords, sealRecord } from './journal-records.js';
import { bodyKey, journalKey, metaKeys, segmentKey } from './keys.js';
import { isCorruption, segmentEntries } from './segment-entries.js';

/**
 * When a write counts as done. `sync`: when the disk says that it has it, so that it outlives a power failure. `system`:
 * when the operating system has it, so that it outlives the process. Every write of a store is of one sort: LevelDB's log
 * begins a new file now and then, and a write that was forced to the disk may stand in another file than one before it
 * that was not.
 */
export type Durability = 'sync' | 'system';

/** The log of a store in LevelDB: each write is one atomic batch. */
export function levelLog(db: Database, durability: Durability): LogTarget {
  return {
    write: (write) => writeBatch(db, durability, write),
    bodies: (sequences) => readBodies(db, sequences),
    segments: (first) => segmentEntries(db, first),
    journal: () => journalRecords(db),
    end() {},
    close: () => db.close(),
  };
}

async function writeBatch(db: Database, durability: Durability, write: LogWrite): Promise<void> {
  try {
    const batch = db.batch();
    for (const [name, value] of write.journal) {
      const key = journalKey(name);
      if (value === undefined) batch.del(key);
      else batch.put(key, sealRecord(key, value));
    }
    for (const [sequence, body] of write.bodies) batch.put(bodyKey(sequence), body);
    for (const sequence of write.goneBodies) batch.del(bodyKey(sequence));
    for (const [number, bytes] of write.segments) batch.put(segmentKey(number), bytes);
    for (const number of write.goneSegments) batch.del(segmentKey(number));
    if (write.reasons !== undefined) batch.put(metaKeys.reasons, jsonBytes(write.reasons));
    if (write.compactedThrough !== undefined)
      batch.put(metaKeys.compaction, jsonBytes(write.compactedThrough));
    await batch.write({ sync: durability === 'sync' });
  } catch (cause) {
    const hint = isCorruption(cause) ? '; graspd repair makes it anew of what can be read' : '';
    const message = `the store cannot be written: ${errorMessage(cause)}${hint}`;
    throw new StoreError('store_write_failed', message, { cause });
  }
}
