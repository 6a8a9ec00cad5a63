import type { DoctorReport } from '../../control/reports.js';
import { systemClock } from '../../lib/clock.js';
import { errorCode, errorMessage } from '../../lib/errors.js';
import { openDatabase } from '../../store/level/database.js';
import { examineStore } from '../../store/level/examination/examine-store.js';
import { StoreCopy } from '../../store/level/examination/store-copy.js';
import type { StoreFinding } from '../../store/level/examination/store-finding.js';
import { finishSalvage, salvageStore } from '../../store/level/salvage.js';

/** Events that are lost and told of one by one; more are counted. */
const toldMax = 1_000;

/**
 * Looks through the database below `path`, and where it has any fault makes it anew of what can be read. Throws `StoreError`
 * where another process has it, or it is of a newer program.
 */
export async function* repairStore(path: string): AsyncGenerator<DoctorReport> {
  if ((await finishSalvage(path, systemClock)) !== undefined) {
    const line = 'files      a repair was broken off when the new database was whole';
    yield { line, isFault: true, outcome: `finished: the old one is below ${path}/lost`, isRepaired: true };
  }
  const findings: StoreFinding[] = [];
  let count = 0;
  for await (const finding of findingsIn(path)) {
    count += 1;
    if (findings.length < toldMax) findings.push(finding);
  }
  if (count === 0) return;
  const { events, damagedEvents, unreadableFiles, keptIn } = await salvageStore(path, systemClock);
  for (const { what, about } of findings)
    yield { line: `${what.padEnd(10)} ${about}`, isFault: true, outcome: outcomeOf(what), isRepaired: true };
  if (count > findings.length)
    yield { line: `           and ${count - findings.length} more`, isFault: false };
  for (const file of unreadableFiles) yield { line: `unreadable events/${file}`, isFault: false };
  if (damagedEvents > 0)
    yield { line: `damaged    ${damagedEvents} events that were found could not be read`, isFault: false };
  yield {
    line: `kept       ${events} events are in a new database; the old one is in ${keptIn}`,
    isFault: false,
  };
}

async function* findingsIn(path: string): AsyncGenerator<StoreFinding> {
  try {
    await using copy = await StoreCopy.make(path);
    try {
      yield* examineStore(copy.path);
    } catch (error) {
      throw copy.explain(error);
    }
    // A copy has neither the lock nor what is not of LevelDB.
    await (await openDatabase(path)).close();
  } catch (error) {
    // LevelDB calls some damages errors of the disk.
    const isDamage = ['store_unreadable', 'LEVEL_IO_ERROR', 'LEVEL_CORRUPTION'].includes(errorCode(error));
    if (!isDamage) throw error;
    yield { what: 'files', about: errorMessage(error) };
  }
}

function outcomeOf(what: StoreFinding['what']): string {
  switch (what) {
    case 'missing':
    case 'damaged':
    case 'unreadable':
      return 'lost: the daemon gets it from other relays that have it';
    case 'log':
      return 'lost, as far as it is not found elsewhere in the database; other relays may have it';
    default:
      return 'made anew of what can be read';
  }
}
