import { limits } from '../../../config/limits.js';
import { errorMessage } from '../../../lib/errors.js';
import type { JournalEntry } from '../../journal.js';
import { LazyBody } from '../../log/bodies/body-codec.js';
import { unsealBody } from '../../log/bodies/sealed-body.js';
import type { ImagedEvent, OtherRecord, StoreImage } from '../../log/store-image.js';
import { type Database, type DatabaseSnapshot, damaged } from '../database.js';
import { journalRecords } from '../journal-records.js';
import {
  bodiesEnd,
  bodiesStart,
  bodySequence,
  isMetaKey,
  journalEnd,
  journalStart,
  segmentsEnd,
  segmentsStart,
} from '../keys.js';
import { isCorruption } from '../segment-entries.js';

/** Where records of others may lie: between the bodies, the journal and the index log. */
const otherRanges = [
  { lt: bodiesStart },
  { gte: bodiesEnd, lt: journalStart },
  { gte: journalEnd, lt: segmentsStart },
  { gte: segmentsEnd },
] as const;

/** What a LevelDB had at one moment. */
export class LevelImage implements StoreImage {
  readonly databaseId: string;
  /** No event that is in it has a higher sequence. */
  readonly lastSequence: number;
  readonly #db: Database;
  readonly #path: string;
  readonly #snapshot: DatabaseSnapshot;

  constructor(db: Database, path: string, databaseId: string, lastSequence: number) {
    this.databaseId = databaseId;
    this.lastSequence = lastSequence;
    this.#db = db;
    this.#path = path;
    this.#snapshot = db.snapshot();
  }

  /** The stored events in the order in which they were put, some at a time. Rejects with `StoreError`. */
  async *events(): AsyncGenerator<readonly ImagedEvent[]> {
    for await (const records of this.#read({ gte: bodiesStart, lt: bodiesEnd })) {
      yield records.map(({ key, value }) => {
        const sequence = bodySequence(key);
        const body = unsealBody(value, sequence);
        return body === undefined ? 'damaged' : new LazyBody(sequence, body).bytes;
      });
    }
  }

  /** The records of the journal. Rejects with `StoreError`. */
  journal(): AsyncIterable<JournalEntry> {
    return journalRecords(this.#db, this.#snapshot);
  }

  /** What else stands in the database, but for what each database has of its own. Rejects with `StoreError`. */
  async *others(): AsyncGenerator<OtherRecord> {
    for (const range of otherRanges) {
      for await (const records of this.#read(range)) {
        for (const record of records) if (!isMetaKey(record.key)) yield record;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#snapshot.close();
  }

  async *#read(range: {
    readonly gte?: Uint8Array;
    readonly lt?: Uint8Array;
  }): AsyncGenerator<readonly OtherRecord[]> {
    const options = {
      ...range,
      snapshot: this.#snapshot,
      fillCache: false,
      highWaterMarkBytes: limits.backupReadBytesMax,
    };
    const iterator = this.#db.iterator(options);
    try {
      for (;;) {
        const entries = await iterator.nextv(limits.backupReadEventsMax);
        if (entries.length === 0) return;
        yield entries.map(([key, value]) => ({ key, value }));
      }
    } catch (error) {
      throw isCorruption(error) ? damaged(this.#path, errorMessage(error), error) : error;
    } finally {
      await iterator.close();
    }
  }
}
