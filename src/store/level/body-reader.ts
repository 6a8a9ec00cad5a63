import { errorCode, errorMessage } from '../../lib/errors.js';
import type { BodyFault } from '../backend.js';
import { StoreError } from '../event-store.js';
import { unsealBody } from '../log/bodies/sealed-body.js';
import type { Database } from './database.js';
import { bodyKey } from './keys.js';

/**
 * Reads the bodies of rows by their sequences, each checked. A block of a file that cannot be read costs the bodies in
 * it and no others. Rejects with `StoreError` when the store is closed, or the system has no descriptor or memory left.
 */
export async function readBodies(
  db: Database,
  sequences: readonly number[],
): Promise<(Uint8Array | BodyFault)[]> {
  const keys = sequences.map(bodyKey);
  const values: (Uint8Array | undefined | BodyFault)[] = await db.getMany(keys).catch((error: unknown) => {
    faultOf(error);
    // LevelDB gives all or nothing: one after another they tell which it is.
    return Promise.all(keys.map((key) => db.get(key).catch(faultOf)));
  });
  return values.map((value, at) => {
    if (typeof value === 'string') return value;
    return value === undefined ? 'missing' : (unsealBody(value, sequences[at]!) ?? 'damaged');
  });
}

/** What lacks for a while, and has nothing to do with the file. */
const shortages = /too many open files|cannot allocate memory/i;

/** What an error of LevelDB means for the body that was asked for; throws `StoreError` when it is no matter of that one. */
function faultOf(error: unknown): BodyFault {
  const message = errorMessage(error);
  const code = errorCode(error);
  if (code === 'LEVEL_CORRUPTION') return 'damaged';
  if (code === 'LEVEL_IO_ERROR' && !shortages.test(message)) return 'unreadable';
  throw new StoreError('store_read_failed', `the store cannot be read: ${message}`, { cause: error });
}
