import { limits } from '../../config/limits.js';
import { splitLines } from '../../nostr/event-lines.js';
import { isOtherRecord } from '../../store/level/image/put-records.js';
import type { OtherRecord } from '../../store/log/store-image.js';
import type { ArchiveEntry, ArchiveReader } from '../archive-reader.js';
import { damagedBackup } from '../errors.js';
import { type BackupCounts, type BackupEnd, readOtherLine } from '../format.js';
import { quoted } from '../tar.js';

/** Gives each entry, and its first folder, to `take`, one after the other; resolves to the end, which was checked. */
export async function readEntries(
  reader: ArchiveReader,
  signal: AbortSignal,
  take: (entry: ArchiveEntry, folder: string) => Promise<void>,
): Promise<BackupEnd> {
  const entries = reader.entries();
  for (;;) {
    const { value, done } = await entries.next();
    if (done === true) return value;
    signal.throwIfAborted();
    await take(value, value.name.slice(0, value.name.indexOf('/')));
  }
}

/** Throws `BackupError` where a backup does not have what it says. */
export function expectCounts(end: BackupEnd, found: Partial<BackupCounts>): void {
  for (const [name, count] of Object.entries(found)) {
    const said = end[name as keyof BackupCounts];
    if (said !== count) throw damagedBackup(`it says that it has ${said} ${name}, and has ${count}`);
  }
}

/** The records of a file, which have to fit in memory. Throws `BackupError`. */
export async function otherRecordsIn({ name, size, content }: ArchiveEntry): Promise<OtherRecord[]> {
  // A file is closed after the line that fills it.
  if (size > limits.backupLinesBytesMin + limits.importLineBytesMax)
    throw damagedBackup(`${quoted(name)} is larger than any of a backup`);
  const records: OtherRecord[] = [];
  for await (const lines of splitLines(content, limits.importLineBytesMax)) {
    for (const line of lines) {
      const { key, value } = readOtherLine(line);
      const record = { key: Buffer.from(key, 'base64'), value: Buffer.from(value, 'base64') };
      if (!isOtherRecord(record)) throw damagedBackup('a record of its database has a key of the store');
      records.push(record);
    }
  }
  return records;
}

/** For an entry that no backup has, or not there. */
export function misplaced(name: string): Error {
  return damagedBackup(`${quoted(name)} has no place in it`);
}
