import { errorMessage } from '../../../lib/errors.js';
import { printable } from '../../../lib/text/printable.js';
import { StoreError } from '../../event-store.js';
import type { EventIndex } from '../../index/event-index.js';
import { rowState } from '../../index/rows/row-table.js';
import { Losses } from '../../log/losses.js';
import { type Database, damaged, identify, openDatabase } from '../database.js';
import { hasSnapshot } from '../folder.js';
import { damagedRecords } from '../journal-records.js';
import { readReasons } from '../open-level-store.js';
import { type ReadLevelLog, readDroppings, readLevelLog } from '../read-level-log.js';
import { isCorruption } from '../segment-entries.js';
import { examineEvents, type VerifySignatures } from './examine-events.js';
import { indexDifferences } from './index-difference.js';
import { canReadAll } from './readable.js';
import type { StoreFinding } from './store-finding.js';

/** Differences between a snapshot and the log that are told one by one. */
const differencesMax = 5;

/**
 * Looks whether a store agrees with itself: its files, its log, the snapshot of the index as far as a start would use it, every
 * event with its row, the rules of NIP-01 and 09, and the journal. Works at `path` as a start does, so give it a copy
 * (`StoreCopy`). `verify`: whether signatures are right, where that is to be found out, too. Throws `StoreError` where the
 * store cannot be opened at all.
 */
export async function* examineStore(path: string, verify?: VerifySignatures): AsyncGenerator<StoreFinding> {
  const db = await openDatabase(path);
  try {
    const losses = new Losses();
    await readDroppings(path, losses);
    const isReadable = await canReadAll(db);
    if (!isReadable)
      yield { what: 'files', about: 'the database has blocks that cannot be read, and will take no writes' };
    const { usedSnapshot, index } = await readBoth(db, path, losses);
    for (const loss of losses.found) yield { what: 'log', about: loss };
    if (usedSnapshot !== undefined) yield* compareSnapshot(usedSnapshot, index);
    yield* examineReasons(index, (await readReasons(db, path)).names.length);
    yield* examineEvents(db, index, verify);
    if (!isReadable) return;
    for await (const name of damagedRecords(db))
      yield { what: 'journal', about: `the record ${printable(name)} is damaged` };
  } catch (error) {
    if (error instanceof StoreError || !isCorruption(error)) throw error;
    throw damaged(path, errorMessage(error), error);
  } finally {
    await db.close();
  }
}

/** The index as the whole log has it and, where a start would use the snapshot, as that start would have it. */
async function readBoth(
  db: Database,
  path: string,
  losses: Losses,
): Promise<{ readonly index: EventIndex; readonly usedSnapshot: EventIndex | undefined }> {
  const identity = await identify(db, path);
  const wasThere = hasSnapshot(path);
  const read = (found: Losses, readsWholeLog: boolean): Promise<ReadLevelLog> =>
    readLevelLog(db, path, identity, found, { readsWholeLog });
  // What is missing behind the snapshot the whole log tells, too.
  const first = new Losses();
  const { index } = await read(first, false);
  if (!wasThere || !hasSnapshot(path)) {
    losses.add(first);
    return { index, usedSnapshot: undefined };
  }
  return { index: (await read(losses, true)).index, usedSnapshot: index };
}

function* compareSnapshot(snapshot: EventIndex, log: EventIndex): Generator<StoreFinding> {
  let told = 0;
  for (const difference of indexDifferences(snapshot, log)) {
    told += 1;
    if (told > differencesMax) {
      yield { what: 'snapshot', about: 'and more' };
      return;
    }
    yield { what: 'snapshot', about: `the snapshot differs from the log: ${difference}` };
  }
}

/** Refused rows have reasons that have a name. */
function* examineReasons({ rows }: EventIndex, count: number): Generator<StoreFinding> {
  for (let row = 0; row < rows.end; row += 1) {
    const state = rows.state(row);
    if (state < rowState.refusedFirst + count || state === rowState.spentDeletion) continue;
    yield { what: 'index', about: `refused event ${rows.idHex(row)}: its reason has no name` };
  }
}
