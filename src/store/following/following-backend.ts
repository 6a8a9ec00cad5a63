import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';
import type { Backend, BodyFault } from '../backend.js';
import type { StoredEvent } from '../event-store.js';
import type { Journal } from '../journal.js';
import { LogBodies } from '../log/bodies/log-bodies.js';
import type { LogSize } from '../log/compaction.js';
import type { LogTarget } from '../log/log-target.js';
import { storeClosed, storeFollows } from './errors.js';

/** What lies below the index of a store that follows: it gives the bodies that another process writes, and takes nothing. */
export class FollowingBackend implements Backend {
  readonly journal: Journal;
  readonly pendingEvents = 0;
  readonly #bodies: LogBodies;
  readonly #size: LogSize;
  readonly #close: () => Promise<void>;
  #isStopped = false;

  /** `close` lets go of all that the store has, once. */
  constructor(reading: Pick<LogTarget, 'bodies' | 'journal'>, size: LogSize, close: () => Promise<void>) {
    this.#bodies = new LogBodies(reading);
    this.#size = size;
    this.#close = close;
    const refuse = () => Promise.reject(storeFollows());
    this.journal = { put: refuse, delete: refuse, entries: () => reading.journal() };
  }

  get logRecords(): number {
    return this.#size.records;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  check(): never {
    throw this.#isStopped ? storeClosed() : storeFollows();
  }

  added(): never {
    throw storeFollows();
  }

  changed(): never {
    throw storeFollows();
  }

  async written(): Promise<void> {}

  async writtenRow(): Promise<void> {}

  unwritten(): undefined {}

  read(sequences: readonly number[], turns?: WorkTurns): Promise<(StoredEvent | BodyFault)[]> {
    return this.#bodies.read(sequences, turns);
  }

  /** The index changes no more. */
  stop(): void {
    this.#isStopped = true;
  }

  close(): Promise<void> {
    this.stop();
    return this.#close();
  }
}
