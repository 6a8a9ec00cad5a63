import { z } from 'zod';
import type { Journal, JournalEntry } from '../../store/journal.js';
import { BackupError } from '../errors.js';
import type { Manifest } from '../format.js';

/** The record of the journal that says what was restored here, for as long as no daemon has begun with it. */
const markName = 'restored';

const markShape = z.object({
  /** Whether all of it is there. */
  isWhole: z.boolean(),
  /** What the manifest says of the store that the backup is of. */
  store: z.string().optional(),
  lastSequence: z.number(),
  moment: z.string(),
});

/** Which backup a store was restored from. */
export type RestoreMark = z.infer<typeof markShape>;

export function isRestoreMark({ name }: Pick<JournalEntry, 'name'>): boolean {
  return name === markName;
}

export function readRestoreMark(value: Uint8Array): RestoreMark {
  return markShape.parse(JSON.parse(Buffer.from(value).toString('utf8')));
}

/** Settles when the mark is on disk, and all that was written before it. */
export async function putRestoreMark(journal: Journal, manifest: Manifest, isWhole: boolean): Promise<void> {
  const { store, lastSequence, moment } = manifest;
  const mark: RestoreMark = { isWhole, store, lastSequence, moment };
  await journal.put(markName, Buffer.from(JSON.stringify(mark)));
}

/** Throws `BackupError` where a restore was broken off: what is there is neither what was nor what is to be. */
export function checkRestored({ isWhole, moment }: RestoreMark): void {
  if (isWhole) return;
  const message = `a restore of the backup of ${moment} into this store was broken off: do it again`;
  throw new BackupError('restore_unfinished', message);
}

/** Throws `BackupError` where a restore into the store of this journal was broken off. */
export async function checkNotBrokenOff(journal: Pick<Journal, 'entries'>): Promise<void> {
  const mark = await restoreMarkIn(journal);
  if (mark !== undefined) checkRestored(mark);
}

/**
 * To be called by whoever begins to change a store otherwise: no restore may go on with it from now on. Throws `BackupError`
 * where one was broken off.
 */
export async function beginAfterRestore(journal: Journal): Promise<void> {
  const mark = await restoreMarkIn(journal);
  if (mark === undefined) return;
  checkRestored(mark);
  await journal.delete(markName);
}

async function restoreMarkIn(journal: Pick<Journal, 'entries'>): Promise<RestoreMark | undefined> {
  for await (const entry of journal.entries()) if (isRestoreMark(entry)) return readRestoreMark(entry.value);
  return undefined;
}
