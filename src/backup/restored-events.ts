import type { VerifiedBatch, Verifier } from '../admission/verification/verifier.js';
import { limits } from '../config/limits.js';
import type { NostrEvent } from '../nostr/event.js';
import { readEventLine, splitLines } from '../nostr/event-lines.js';
import { isPurgatoryRecord } from '../purgatory/record-shapes.js';
import { recordIn } from '../purgatory/records.js';
import type { JournalEntry } from '../store/journal.js';
import type { OpenedStore } from '../store/opened-store.js';
import { damagedBackup } from './errors.js';
import { isModerationRecord, readJournalLine } from './format.js';

/** Where events go that were checked; nowhere, where a backup is only looked at. */
export type EventTarget = Pick<OpenedStore, 'store' | 'journal'> | undefined;

type Verification = { readonly events: readonly NostrEvent[]; readonly verified: Promise<VerifiedBatch> };

/**
 * Takes the events of a backup to a store. Ids and signatures are checked, so a file that somebody changed brings no event
 * that its author did not sign; what today's policy thinks of one does not matter, for it was stored. The rules of NIP-01,
 * 09 and 40 are those of the store.
 */
export class RestoredEvents {
  readonly #verifier: Verifier;
  readonly #target: EventTarget;
  /** Batches at the workers, in the order of their events. */
  readonly #verifying: Verification[] = [];
  #batch: NostrEvent[] = [];
  #written: Promise<void> = Promise.resolve();
  #read = 0;
  #stored = 0;
  #journalRecords = 0;

  constructor(verifier: Verifier, target: EventTarget) {
    this.#verifier = verifier;
    this.#target = target;
  }

  /** Events that were read, and those of them that are stored: not those that expired since (NIP-40). */
  get counts(): { readonly read: number; readonly stored: number; readonly journalRecords: number } {
    return { read: this.#read, stored: this.#stored, journalRecords: this.#journalRecords };
  }

  /** Takes in a file of events. Rejects with `BackupError` or `StoreError`. */
  async addEvents(content: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const lines of splitLines(content, limits.importLineBytesMax)) {
      for (const line of lines) {
        const event = readEventLine(line);
        if (event === undefined) throw damagedBackup('a line of its events is no event');
        this.#batch.push(event);
        if (this.#batch.length >= limits.restoreBatchEventsMax) await this.#sendBatch();
      }
    }
  }

  /** Takes in a file of journal records; events among them are checked as well. Rejects as `addEvents`. */
  async addJournal(content: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const lines of splitLines(content, limits.importLineBytesMax)) {
      for (const line of lines) await this.#addRecord(line);
    }
  }

  /** Settles when all is on disk. Rejects as `addEvents`. */
  async finish(): Promise<void> {
    if (this.#batch.length > 0) await this.#sendBatch();
    while (this.#verifying.length > 0) await this.#storeBatch();
    await this.#written;
    await this.#target?.store.flush();
  }

  async #sendBatch(): Promise<void> {
    const events = this.#batch;
    this.#batch = [];
    const verified = this.#verifier.verify(events);
    verified.catch(() => {});
    this.#verifying.push({ events, verified });
    if (this.#verifying.length > this.#verifier.batchesMax) await this.#storeBatch();
  }

  async #storeBatch(): Promise<void> {
    const { events, verified } = this.#verifying.shift() as Verification;
    const { verdicts, bodies } = await verified;
    const before = this.#written;
    for (const [at, event] of events.entries()) {
      check(event, verdicts[at] === 'valid');
      this.#read += 1;
      const put = this.#target?.store.put(event, bodies?.[at]);
      if (put?.status === 'stored') this.#stored += 1;
      if (put !== undefined) this.#written = put.written;
      put?.written.catch(() => {});
    }
    // One batch is being written while the next one is checked.
    await before;
  }

  async #addRecord(line: string): Promise<void> {
    const { name, value } = readJournalLine(line);
    const bytes = typeof value === 'string' ? Buffer.from(value) : Buffer.from(value.base64, 'base64');
    const event = eventIn({ name, value: bytes });
    if (event !== undefined) {
      const { verdicts } = await this.#verifier.verify([event]);
      check(event, verdicts[0] === 'valid');
    }
    this.#journalRecords += 1;
    await this.#target?.journal.put(name, bytes);
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
  const isSound = record === undefined ? isModerationRecord(entry) : isPurgatoryRecord(entry.name, record);
  if (!isSound) throw damagedBackup('a record of its journal is not as it should be');
  if (record === undefined || record.type === 'awaited') return undefined;
  const event = readEventLine(JSON.stringify(record.value.event));
  if (event === undefined) throw damagedBackup('a record of its journal has no event');
  return event;
}

function check({ id }: NostrEvent, isValid: boolean): void {
  if (!isValid) throw damagedBackup(`event ${id} is not what its author signed`);
}
