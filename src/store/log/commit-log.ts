import { limits } from '../../config/limits.js';
import type { CancelTimer, Clock } from '../../lib/clock.js';
import { errorMessage } from '../../lib/errors.js';
import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';
import { encodeBody } from '../../nostr/event-body.js';
import type { Backend, BodyFault, NewEvent } from '../backend.js';
import { type StoredEvent, StoreError } from '../event-store.js';
import { showDue } from '../index/due-rows.js';
import type { EventIndex } from '../index/event-index.js';
import type { TermList } from '../index/terms.js';
import type { Journal } from '../journal.js';
import type { Reasons } from '../refused/reasons.js';
import { Batch } from './batch.js';
import { LogBodies } from './bodies/log-bodies.js';
import { sealBody } from './bodies/sealed-body.js';
import type { Compaction, LogSize } from './compaction.js';
import type { LogTarget, LogWrite } from './log-target.js';

export type LogParts = {
  readonly target: LogTarget;
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
 * Writes to the database in groups: while one batch is being written, what comes gathers in the next. A batch has the
 * bodies of its events and one segment that tells what changed in the index. Bodies that wait are read from memory.
 */
export class CommitLog implements Backend {
  readonly journal: Journal = {
    put: (name, value) => this.#note(name, value),
    delete: (name) => this.#note(name, undefined),
    entries: () => this.#parts.target.journal(),
  };
  readonly #parts: LogParts;
  readonly #bodies: LogBodies;
  /** Full batches, then the one that is being filled. */
  readonly #batches: Batch[] = [new Batch()];
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
    this.#bodies = new LogBodies(parts.target);
    this.#reasonsWritten = parts.reasons.names.length;
    this.#wakeLater();
  }

  get pendingEvents(): number {
    return this.#bodies.pendingCount;
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
    this.#bodies.add(sequence, sealBody(stored.body ?? encodeBody(stored.event), sequence), batch);
    this.#lastOfEvents = batch;
  }

  changed(row: number, time: number, hadBody: boolean): void {
    const { index } = this.#parts;
    const batch = this.#openBatch();
    batch.segment.change(index, row, time);
    if (hadBody) {
      this.#bodies.remove(index.rows.sequence(row), batch);
      this.#lastOfEvents = batch;
    }
    this.#wakeLater();
  }

  written(): Promise<void> {
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped);
    const open = this.#batches.at(-1)!;
    if (open.isEmpty) return this.#batches.at(-2)?.done.promise ?? this.#lastWritten;
    this.#wake();
    return open.done.promise;
  }

  writtenRow(sequence: number): Promise<void> {
    return this.#bodies.batchOf(sequence)?.done.promise ?? Promise.resolve();
  }

  unwritten(): Promise<void> | undefined {
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped);
    const last = this.#lastOfEvents;
    if (last === undefined) return undefined;
    this.#wake();
    return last.done.promise;
  }

  read(sequences: readonly number[], turns?: WorkTurns): Promise<(StoredEvent | BodyFault)[]> {
    return this.#bodies.read(sequences, turns);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#parts.target.end();
    while (this.#stopped === undefined && this.#waits()) await this.written().catch(() => {});
    const hasFailed = this.#stopped !== undefined;
    this.#stopped ??= new StoreError('store_closed', 'the store was closed');
    this.#cancelTimer?.();
    await this.#running;
    try {
      showDue(this.#parts.index);
      // After a failure the index is ahead of what is on disk.
      if (!hasFailed) await this.#parts.snapshot();
    } finally {
      await this.#parts.target.close();
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
    if (!open.isFull) return open;
    const next = new Batch();
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
    return this.#batches.length > 1 || !this.#batches[0]!.isEmpty;
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
    const { target, reasons } = this.#parts;
    if (batches.length === this.#batches.length) this.#batches.push(new Batch());
    const reasonsKnown = reasons.names.length;
    await target.write(this.#writeOf(batches));
    this.#reasonsWritten = reasonsKnown;
    this.#batches.splice(0, batches.length);
    for (const batch of batches) {
      this.#bodies.written(batch);
      this.#lastWritten = batch.done.promise;
      if (this.#lastOfEvents === batch) this.#lastOfEvents = undefined;
      batch.done.resolve();
    }
  }

  /** What is to be written for these batches, with the window that compaction has read. */
  #writeOf(batches: readonly Batch[]): LogWrite {
    const { index, reasons, compaction, size, life } = this.#parts;
    const segments = new Map<number, Uint8Array>();
    const bodies = new Map<number, Uint8Array>();
    const journal = new Map<string, Uint8Array | undefined>();
    for (const batch of batches) {
      for (const [name, value] of batch.journal) journal.set(name, value);
      if (batch.segment.records === 0) continue;
      for (const sequence of batch.bodies) {
        const sealed = this.#bodies.sealed(sequence);
        if (sealed !== undefined) bodies.set(sequence, sealed);
      }
      // What an earlier batch brings and a later one takes away is never written.
      for (const sequence of batch.deleted) bodies.delete(sequence);
      const before = size.last;
      size.last = { life, number: before.number + 1 };
      size.segments += 1;
      size.records += batch.segment.records;
      const bytes = batch.segment.finish(index.nextSequence, before, size.last);
      size.bytes += bytes.byteLength;
      segments.set(size.last.number, bytes);
    }
    const rewriting = compaction.take();
    if (rewriting !== undefined) segments.set(rewriting.number, rewriting.bytes);
    return {
      ...{ segments, bodies, journal },
      goneSegments: rewriting?.gone ?? [],
      goneBodies: batches.flatMap(({ deleted }) => deleted),
      reasons: reasons.names.length > this.#reasonsWritten ? reasons.names : undefined,
      compactedThrough: rewriting?.through,
    };
  }

  /** Fail stop: what is on disk is whole, but what is in memory is ahead of it. */
  #fail(cause: unknown): void {
    const error =
      cause instanceof StoreError
        ? cause
        : new StoreError('store_write_failed', `the store cannot be written: ${errorMessage(cause)}`, {
            cause,
          });
    this.#stopped = error;
    for (const batch of this.#batches) batch.done.reject(error);
  }
}
