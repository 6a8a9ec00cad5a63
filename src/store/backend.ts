import type { NostrEvent } from '../nostr/event.js';
import type { StoredEvent } from './event-store.js';
import type { TermList } from './index/terms.js';

/** An event that is stored now, and its bytes (nostr/event-body.ts) where these are at hand. */
export type NewEvent = { readonly event: NostrEvent; readonly body: Uint8Array | undefined };

/**
 * What lies below the index: it keeps the bodies of the stored events, by the sequence of their row, and a record
 * of every change of the index, so that the index can be built again.
 */
export type Backend = {
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
  /** The bodies of rows, `undefined` for one that is gone. Rejects with `StoreError`. */
  read(sequences: readonly number[]): Promise<(StoredEvent | undefined)[]>;
  /** Writes what waits, leaves all in order for the next start, and lets go of what is held. */
  close(): Promise<void>;
};

/** An event that is at hand; its JSON is made when it is asked for. */
export class EventInHand implements StoredEvent {
  readonly event: NostrEvent;
  readonly #write: (event: NostrEvent) => string;
  #json: string | undefined;

  constructor(event: NostrEvent, write: (event: NostrEvent) => string) {
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
