import type { Clock } from '../lib/clock.js';
import type { WorkTurns } from '../lib/turns/turn-scheduler.js';
import type { NostrEvent } from '../nostr/event.js';
import type { StoredEvent } from './event-store.js';
import type { EventIndex } from './index/event-index.js';
import type { TermList } from './index/terms.js';
import type { Journal } from './journal.js';
import type { Reasons } from './refused/reasons.js';

/** An event that is stored now, and its bytes (nostr/event-body.ts) where these are at hand. */
export type NewEvent = { readonly event: NostrEvent; readonly body: Uint8Array | undefined };

/**
 * Why a body is not to be had: there is none, it is not what was written, or the disk does not give it, which may be
 * otherwise another time.
 */
export type BodyFault = 'missing' | 'damaged' | 'unreadable';

/**
 * What lies below the index: it keeps the bodies of the stored events, by the sequence of their row, and a record
 * of every change of the index, so that the index can be built again.
 */
export type Backend = {
  /** Records that are written together with the events. */
  readonly journal: Journal;
  /** Events that wait to be written. */
  readonly pendingEvents: number;
  /** Records of the index log on disk; 0 where there is none. */
  readonly logRecords: number;
  /** Whether nothing more is taken: the index must not change any more. */
  readonly isStopped: boolean;
  /** Throws `StoreError` when nothing more is taken. */
  check(): void;
  /** A row was inserted, with its event when it is stored. `time` as in `NewRow`. */
  added(row: number, terms: TermList, time: number, stored: NewEvent | undefined): void;
  /** A row became refused at `time` or dead, as its state says; a body that it had goes. */
  changed(row: number, time: number, hadBody: boolean): void;
  /** Settles when all that was recorded so far is on disk. */
  written(): Promise<void>;
  /** Settles when that row is on disk. */
  writtenRow(sequence: number): Promise<void>;
  /** Settles when all changes of stored events so far are on disk; `undefined` when they are. Rejects as `check` throws. */
  unwritten(): Promise<void> | undefined;
  /**
   * The bodies of rows, or why one is not to be had. What is not in memory is put on the account of `turns`. Rejects with
   * `StoreError` when nothing can be read.
   */
  read(sequences: readonly number[], turns?: WorkTurns): Promise<(StoredEvent | BodyFault)[]>;
  /** Writes what waits, leaves all in order for the next start, and lets go of what is held. */
  close(): Promise<void>;
};

/** The parts of a store that work on the same index. */
export type StoreParts = {
  readonly index: EventIndex;
  readonly backend: Backend;
  readonly reasons: Reasons;
  readonly clock: Clock;
};

/** An event that is at hand; its JSON is made when it is asked for. */
export class LazyEvent implements StoredEvent {
  readonly sequence: number;
  readonly event: NostrEvent;
  readonly #write: (event: NostrEvent) => string;
  #json: string | undefined;

  constructor(sequence: number, event: NostrEvent, write: (event: NostrEvent) => string) {
    this.sequence = sequence;
    this.event = event;
    this.#write = write;
  }

  get id(): string {
    return this.event.id;
  }

  get json(): string {
    this.#json ??= this.#write(this.event);
    return this.#json;
  }

  get bytes(): Buffer {
    return Buffer.from(this.json, 'utf8');
  }
}
