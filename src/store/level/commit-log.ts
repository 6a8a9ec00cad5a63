import { limits } from '../../config/limits.js';
import { type Deferred, deferred } from '../../lib/abort.js';
import type { CancelTimer, Clock } from '../../lib/clock.js';
import { errorMessage } from '../../lib/errors.js';
import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';
import { encodeBody } from '../../nostr/event-body.js';
import type { Backend, BodyFault, NewEvent } from '../backend.js';
import { type StoredEvent, StoreError } from '../event-store.js';
import type { EventIndex } from '../index/event-index.js';
import type { TermList } from '../index/terms.js';
import type { Journal } from '../journal.js';
import type { Reasons } from '../refused/reasons.js';
import { BodyCache } from './bodies/body-cache.js';
import { LazyBody, memoryOfBody } from './bodies/body-codec.js';
import { readBodies } from './bodies/body-reader.js';
import { bodyIn, sealBody } from './bodies/sealed-body.js';
import type { Compaction, LogSize } from './compaction.js';
import { type Database, jsonBytes } from './database.js';
import { journalRecords, sealRecord } from './journal-records.js';
import { bodyKey, journalKey, metaKeys, segmentKey } from './keys.js';
import { SegmentWriter } from './segment.js';
import { isCorruption } from './segment-entries.js';

/** What is written at once: everything in it is on disk or nothing. */
type Batch = {
  readonly segment: SegmentWriter;
  readonly bodies: number[];
  readonly deleted: number[];
  /** Records of the journal by name; `undefined` for those that go. */
  readonly journal: Map<string, Uint8Array | undefined>;
  bytes: number;
  readonly done: Deferred<void>;
};

/** `body` is sealed. */
type Pending = { readonly body: Uint8Array; readonly batch: Batch };

/**
 * When a write counts as done. `sync`: when the disk says that it has it, so that it outlives a power failure. `system`:
 * when the operating system has it, so that it outlives the process. Every write of a store is of one sort: LevelDB's log
 * begins a new file now and then, and a write that was forced to the disk may stand in another file than one before it
 * that was not.
 */
export type Durability = 'sync' | 'system';

/** Work of reading a body from LevelDB, for the event loop: 5 µs where many lie side by side, more where they do not. */
const bodyReadUnits = 60;

export type LogParts = {
  readonly db: Database;
  readonly durability: Durability;
  readonly index: EventIndex;
  readonly reasons: Reasons;
  readonly clock: Clock;
  readonly compaction: Compaction;
  readonly size: LogSize;
  /** Of this opening of the store; see `SegmentId`. */
  readonly life: number;
  /** Writes the index as it is, which does not change any more. */
  readonly snapshot: () => Promise<void>;
};

/**
 * Writes to LevelDB in groups: while one batch is being written, what comes gathers in the next. A batch has one
 * put for each body and one for the segment that tells what changed in the index, for each put costs a crossing
 * into the binding. Bodies that wait are read from memory.
 */
export class CommitLog implements Backend {
  readonly journal: Journal = {
    put: (name, value) => this.#note(name, value),
    delete: (name) => this.#note(name, undefined),
    entries: () => journalRecords(this.#parts.db),
  };
  readonly #parts: LogParts;
  readonly #pending = new Map<number, Pending>();
  readonly #cache = new BodyCache(limits.storeCacheBytesMax);
  /** Full batches, then the one that is being filled. */
  readonly #batches: Batch[] = [newBatch()];
  #lastWritten: Promise<void> = Promise.resolve();
  /** The last batch that changes which events are stored, until it is written. */
  #lastOfEvents: Batch | undefined;
  #reasonsWritten: number;
  #running: Promise<void> | undefined;
  #isRunning = false;
  /** Whether somebody waits for what is not being written yet. */
  #isUrgent = false;
  /** When compaction may take its next step, in the clock's monotonic milliseconds. */
  #nextStepAt = 0;
  #cancelTimer: CancelTimer | undefined;
  #stopped: StoreError | undefined;
  #closing: Promise<void> | undefined;

  constructor(parts: LogParts) {
    this.#parts = parts;
    this.#reasonsWritten = parts.reasons.names.length;
    this.#wakeLater();
  }

  get pendingEvents(): number {
    return this.#pending.size;
  }

  get logRecords(): number {
    return this.#parts.size.records;
  }

  get isStopped(): boolean {
    return this.#stopped !== undefined;
  }

  check(): void {
    if (this.#stopped !== undefined) throw this.#stopped;
  }

  added(row: number, terms: TermList, time: number, stored: NewEvent | undefined): void {
    const { index } = this.#parts;
    const batch = this.#openBatch();
    batch.segment.row(index, row, terms, time);
    if (stored === undefined) {
      this.#wakeLater();
      return;
    }
    const sequence = index.rows.sequence(row);
    // Encoded now and not when the batch is written: each event bears its own cost, and no turn that of hundreds.
    const body = sealBody(stored.body ?? encodeBody(stored.event), sequence);
    this.#pending.set(sequence, { body, batch });
    batch.bodies.push(sequence);
    batch.bytes += body.length;
    this.#lastOfEvents = batch;
  }

  changed(row: number, time: number, hadBody: boolean): void {
    const { index } = this.#parts;
    const batch = this.#openBatch();
    batch.segment.change(index, row, time);
    if (hadBody) {
      const sequence = index.rows.sequence(row);
      // A body is not written when its end comes in the same batch; an earlier batch must be whole without this one.
      if (this.#pending.get(sequence)?.batch === batch) this.#pending.delete(sequence);
      this.#cache.delete(sequence);
      batch.deleted.push(sequence);
      this.#lastOfEvents = batch;
    }
    this.#wakeLater();
  }

  written(): Promise<void> {
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped);
    const open = this.#batches.at(-1)!;
    if (isEmpty(open)) return this.#batches.at(-2)?.done.promise ?? this.#lastWritten;
    this.#wake();
    return open.done.promise;
  }

  writtenRow(sequence: number): Promise<void> {
    return this.#pending.get(sequence)?.batch.done.promise ?? Promise.resolve();
  }

  unwritten(): Promise<void> | undefined {
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped);
    const last = this.#lastOfEvents;
    if (last === undefined) return undefined;
    this.#wake();
    return last.done.promise;
  }

  async read(sequences: readonly number[], turns?: WorkTurns): Promise<(StoredEvent | BodyFault)[]> {
    const events: (StoredEvent | BodyFault)[] = [];
    const missing: number[] = [];
    for (const sequence of sequences) {
      const event = this.#atHand(sequence);
      if (event === undefined) missing.push(sequence);
      events.push(event ?? 'missing');
    }
    if (missing.length === 0) return events;
    turns?.spend(missing.length * bodyReadUnits);
    const bodies = await readBodies(this.#parts.db, missing);
    let next = 0;
    return events.map((event) => {
      if (event !== 'missing') return event;
      const body = bodies[next]!;
      const sequence = missing[next]!;
      next += 1;
      if (typeof body === 'string') return body;
      const read = new LazyBody(sequence, body);
      this.#cache.set(sequence, read, memoryOfBody(body.length));
      return read;
    });
  }

  #atHand(sequence: number): LazyBody | undefined {
    const pending = this.#pending.get(sequence);
    return pending === undefined ? this.#cache.get(sequence) : new LazyBody(sequence, bodyIn(pending.body));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    while (this.#stopped === undefined && this.#waits()) await this.written().catch(() => {});
    const hasFailed = this.#stopped !== undefined;
    this.#stopped ??= new StoreError('store_closed', 'the store was closed');
    this.#cancelTimer?.();
    await this.#running;
    try {
      // After a failure the index is ahead of what is on disk.
      if (!hasFailed) await this.#parts.snapshot();
    } finally {
      await this.#parts.db.close();
    }
  }

  #note(name: string, value: Uint8Array | undefined): Promise<void> {
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped);
    const batch = this.#openBatch();
    batch.journal.set(name, value);
    batch.bytes += value?.length ?? 0;
    // What clients are told may rest on it, as on events.
    this.#lastOfEvents = batch;
    return this.written();
  }

  /** The batch that is being filled; a full one is left to be written. */
  #openBatch(): Batch {
    const open = this.#batches.at(-1)!;
    const isFull =
      open.bodies.length >= limits.storeBatchEventsMax ||
      open.bytes + open.segment.bytes >= limits.storeBatchBytesMax;
    if (!isFull) return open;
    const next = newBatch();
    this.#batches.push(next);
    this.#wake();
    return next;
  }

  /** Has what waits written as soon as the running turn of the event loop is over. */
  #wake(): void {
    this.#isUrgent = true;
    if (this.#isRunning || this.#stopped !== undefined) return;
    this.#isRunning = true;
    this.#running = new Promise((resolve) => setImmediate(resolve)).then(() => this.#run());
  }

  /** Has what nobody waits for written in a while, and compaction go on. */
  #wakeLater(): void {
    if (this.#cancelTimer !== undefined || this.#stopped !== undefined) return;
    const { clock, compaction } = this.#parts;
    const delayMs = compaction.isDue() ? limits.storeCompactionPauseMs : limits.storeRefusedWriteDelayMs;
    this.#cancelTimer = clock.after(delayMs, () => {
      this.#cancelTimer = undefined;
      this.#wake();
    });
  }

  #waits(): boolean {
    return this.#batches.length > 1 || !isEmpty(this.#batches[0]!);
  }

  /** Writes batch after batch until nobody waits, and lets compaction take a step. */
  async #run(): Promise<void> {
    const { clock, compaction } = this.#parts;
    try {
      while (this.#isUrgent) {
        this.#isUrgent = false;
        while (this.#waits()) {
          await this.#write([this.#batches[0]!]);
        }
        if (this.#stopped !== undefined || !compaction.isDue() || clock.monotonic() < this.#nextStepAt)
          continue;
        this.#nextStepAt = clock.monotonic() + limits.storeCompactionPauseMs;
        await compaction.prepare();
        // With all that waits: records are left out for changes of the index that may wait themselves.
        await this.#write([...this.#batches]);
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#isRunning = false;
    if (compaction.isDue()) this.#wakeLater();
  }

  async #write(batches: readonly Batch[]): Promise<void> {
    const { db, durability, index, reasons, compaction, size, life } = this.#parts;
    if (batches.length === this.#batches.length) this.#batches.push(newBatch());
    const chain = db.batch();
    for (const batch of batches) {
      for (const [name, value] of batch.journal) {
        const key = journalKey(name);
        if (value === undefined) chain.del(key);
        else chain.put(key, sealRecord(key, value));
      }
      if (batch.segment.records === 0) continue;
      for (const sequence of batch.bodies) {
        const pending = this.#pending.get(sequence);
        if (pending !== undefined) chain.put(bodyKey(sequence), pending.body);
      }
      for (const sequence of batch.deleted) chain.del(bodyKey(sequence));
      const before = size.last;
      size.last = { life, number: before.number + 1 };
      size.segments += 1;
      size.records += batch.segment.records;
      const segment = batch.segment.finish(index.nextSequence, before, size.last);
      chain.put(segmentKey(size.last.number), segment);
    }
    const reasonsKnown = reasons.names.length;
    if (reasonsKnown > this.#reasonsWritten) chain.put(metaKeys.reasons, jsonBytes(reasons.names));
    compaction.addTo(chain);
    await chain.write({ sync: durability === 'sync' });
    this.#reasonsWritten = reasonsKnown;
    this.#batches.splice(0, batches.length);
    for (const batch of batches) {
      for (const sequence of batch.bodies) this.#pending.delete(sequence);
      this.#lastWritten = batch.done.promise;
      if (this.#lastOfEvents === batch) this.#lastOfEvents = undefined;
      batch.done.resolve();
    }
  }

  /** Fail stop: what is on disk is whole, but what is in memory is ahead of it. */
  #fail(cause: unknown): void {
    const hint = isCorruption(cause) ? '; graspd repair makes it anew of what can be read' : '';
    const message = `the store cannot be written: ${errorMessage(cause)}${hint}`;
    const error = new StoreError('store_write_failed', message, { cause });
    this.#stopped = error;
    for (const batch of this.#batches) batch.done.reject(error);
  }
}

function newBatch(): Batch {
  const done = deferred<void>();
  return { segment: new SegmentWriter(), bodies: [], deleted: [], journal: new Map(), bytes: 0, done };
}

function isEmpty({ segment, journal }: Batch): boolean {
  return segment.records === 0 && journal.size === 0;
}
