import { backgroundTurns } from '../config/background-turns.js';
import { limits } from '../config/limits.js';
import type { Clock } from '../lib/clock.js';
import type { StoreParts } from './backend.js';
import { type StoreChanges, StoredChanges } from './changes/stored-changes.js';
import type { EventStore } from './event-store.js';
import type { FaultOptions } from './faulty-rows.js';
import { IndexedStore } from './indexed-store.js';
import type { Journal } from './journal.js';
import type { StoreImage } from './log/store-image.js';
import type { RefusedIndex } from './refused/refused-index.js';
import { RefusedRows } from './refused/refused-rows.js';
import { StoredMarks } from './sets/stored-marks.js';
import type { StoreTurns } from './spending.js';

export type StoreOptions = FaultOptions & {
  readonly clock: Clock;
  /** How long a refused event is remembered; 7 days by default. */
  readonly refusedExpiryMs?: number;
  /** How many are; `limits.refusedIdsMax` by default. */
  readonly refusedIdsMax?: number;
  /** How many terms of the index they have together; `limits.refusedTermsMax` by default. */
  readonly refusedTermsMax?: number;
  /** Rows of the index that a question looks at in one turn; `limits.storeQueryRowsPerTurn` by default. */
  readonly rowsPerTurn?: number;
};

/** A store, its memory of refused events and its journal. Disposing of the store closes all of them. */
export type OpenedStore = {
  readonly store: EventStore;
  readonly refused: RefusedIndex;
  readonly journal: Journal;
  /** What was found missing when it was opened, in sentences for the operator; empty where nothing was. */
  readonly losses: readonly string[];
  /** What a write has been waiting for, where it does; only of a store whose database may be away for a while. */
  readonly outage?: () => Outage | undefined;
  /** The right to write, as it is now; only of a store whose database others may write to. */
  readonly lease?: () => HeldLease;
  /** Rejects with `StoreError` when another has taken the store over, and what this one shows may be old. */
  readonly lost?: Promise<never>;
  /** For metrics. */
  stats(): StoreStats;
  /** Marks for what is stored, none of them set. */
  marks(): StoredMarks;
  /** All that is on disk at this moment, what was acknowledged before among it; only of a store on disk. */
  readonly image?: () => Promise<StoreImage>;
};

/** The database takes nothing: since when, in the clock's monotonic milliseconds, and why. */
export type Outage = { readonly sinceMs: number; readonly reason: string };

/** Who may write to a database, for operators; until when, in milliseconds since 1970, unless that is prolonged. */
export type HeldLease = { readonly holder: string; readonly untilMs: number };

export type StoreStats = {
  readonly storedEvents: number;
  readonly refusedEvents: number;
  /** Memory of the index. */
  readonly indexBytes: number;
  /** Events that wait to be written. */
  readonly pendingEvents: number;
  /** Records of the index log on disk, those of rows that are gone included. */
  readonly logRecords: number;
};

const refusedExpiryMsDefault = 7 * 24 * 3_600_000;

/** Puts the two ports before an index and what lies below it. `changes`: where others decide what is stored. */
export function assembleStore(parts: StoreParts, options: StoreOptions, changes?: StoreChanges): OpenedStore {
  const { index, backend, reasons, clock } = parts;
  // One after the other, of the one and the other.
  const turns: StoreTurns = {
    turns: backgroundTurns(clock, 'care'),
    rowsPerTurn: options.rowsPerTurn ?? limits.storeQueryRowsPerTurn,
  };
  const refusedLimits = {
    refusedIdsMax: options.refusedIdsMax ?? limits.refusedIdsMax,
    refusedTermsMax: options.refusedTermsMax ?? limits.refusedTermsMax,
    refusedExpiryMs: options.refusedExpiryMs ?? refusedExpiryMsDefault,
  };
  const refused = new RefusedRows(index, backend, reasons, clock, { ...refusedLimits, ...turns });
  const ownChanges = changes ?? new StoredChanges(parts, refused, turns.turns);
  return {
    store: new IndexedStore(parts, refused, ownChanges, { ...options, ...turns }),
    refused,
    journal: backend.journal,
    losses: [],
    marks: () => new StoredMarks(index),
    stats: () => ({
      storedEvents: index.storedCount,
      refusedEvents: index.refusedCount,
      indexBytes: index.bytes,
      pendingEvents: backend.pendingEvents,
      logRecords: backend.logRecords,
    }),
  };
}
