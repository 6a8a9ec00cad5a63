import type { BodyFault } from '../backend.js';
import type { JournalEntry } from '../journal.js';

/** A record of the database that is neither an event, nor of the journal, nor of the index. */
export type OtherRecord = { readonly key: Uint8Array; readonly value: Uint8Array };

/** A stored event as it was read: its JSON in UTF-8, or that it is damaged. */
export type ImagedEvent = Buffer | Extract<BodyFault, 'damaged'>;

/**
 * All that a database had at one moment, whatever is written meanwhile. The database keeps what was replaced since for as
 * long as it is not disposed of.
 */
export type StoreImage = AsyncDisposable & {
  /** Which database it is of, in letters and digits. */
  readonly databaseId: string;
  /** No event that is in it has a higher sequence. */
  readonly lastSequence: number;
  /** The stored events in the order in which they were put, some at a time. Rejects with `StoreError`. */
  events(): AsyncIterable<readonly ImagedEvent[]>;
  /** The records of the journal. Rejects with `StoreError`. */
  journal(): AsyncIterable<JournalEntry>;
  /** What else stands in the database, but for what each database has of its own. Rejects with `StoreError`. */
  others(): AsyncIterable<OtherRecord>;
};
