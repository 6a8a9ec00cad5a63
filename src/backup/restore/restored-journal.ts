import type { Verifier } from '../../admission/verification/verifier.js';
import { limits } from '../../config/limits.js';
import type { NostrEvent } from '../../nostr/event.js';
import { readEventLine, splitLines } from '../../nostr/event-lines.js';
import { isPurgatoryRecord } from '../../purgatory/record-shapes.js';
import { recordIn } from '../../purgatory/records.js';
import type { Journal, JournalEntry } from '../../store/journal.js';
import { damagedBackup } from '../errors.js';
import { isModerationRecord, readJournalLine } from '../format.js';
import { isRestoreMark } from './restore-mark.js';
import { checkSigned } from './restored-events.js';

/** The journal of a store that is restored, and what it had before. */
export type JournalTarget = {
  readonly journal: Pick<Journal, 'put' | 'delete'>;
  /** Values by name, without the mark of the restore. */
  readonly records: ReadonlyMap<string, Uint8Array>;
};

/**
 * Takes the journal of a backup to that of a store. Its records have the form that the next start expects, and the events among
 * them are checked; a record that is there already stays as it is.
 */
export class RestoredJournal {
  readonly #verifier: Verifier;
  readonly #target: JournalTarget | undefined;
  /** Names of records that the backup did not have so far. */
  readonly #others: Set<string>;
  #written: Promise<void> = Promise.resolve();
  #read = 0;

  /** Without a target the records are only checked. */
  constructor(verifier: Verifier, target: JournalTarget | undefined) {
    this.#verifier = verifier;
    this.#target = target;
    this.#others = new Set(target?.records.keys());
  }

  /** Records that were read. */
  get read(): number {
    return this.#read;
  }

  /** Takes in a file of records. Rejects with `BackupError` or `StoreError`. */
  async add(content: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const lines of splitLines(content, limits.importLineBytesMax)) {
      for (const line of lines) await this.#addRecord(line);
      await this.#written;
    }
  }

  /** Removes what is there and was not in the backup. Rejects with `StoreError`. */
  async removeOthers(): Promise<void> {
    await Promise.all(Array.from(this.#others, (name) => this.#target?.journal.delete(name)));
  }

  async #addRecord(line: string): Promise<void> {
    const { name, value } = readJournalLine(line);
    const bytes = typeof value === 'string' ? Buffer.from(value) : Buffer.from(value.base64, 'base64');
    this.#read += 1;
    this.#others.delete(name);
    const known = this.#target?.records.get(name);
    if (known !== undefined && bytes.equals(known)) return;
    const event = eventIn({ name, value: bytes });
    if (event !== undefined) {
      const { verdicts } = await this.#verifier.verify([event]);
      checkSigned(event, verdicts[0] === 'valid');
    }
    if (this.#target === undefined) return;
    this.#written = this.#target.journal.put(name, bytes);
    this.#written.catch(() => {});
  }
}

/** The event that a record of the journal holds, in the form that the network is held to. Throws `BackupError`. */
function eventIn(entry: JournalEntry): NostrEvent | undefined {
  let record: ReturnType<typeof recordIn>;
  try {
    record = recordIn(entry);
  } catch (error) {
    throw damagedBackup('a record of its journal is no JSON', error);
  }
  const isSound =
    record === undefined
      ? isModerationRecord(entry) && !isRestoreMark(entry)
      : isPurgatoryRecord(entry.name, record);
  if (!isSound) throw damagedBackup('a record of its journal is not as it should be');
  if (record === undefined || record.type === 'awaited') return undefined;
  const event = readEventLine(JSON.stringify(record.value.event));
  if (event === undefined) throw damagedBackup('a record of its journal has no event');
  return event;
}
