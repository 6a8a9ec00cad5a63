import type { RecordSetBuilder } from '../../../src/kernels/kernels.js';
import type { Clock } from '../../../src/lib/clock.js';
import type { Address } from '../../../src/nostr/address.js';
import type { NostrEvent } from '../../../src/nostr/event.js';
import type { Filter } from '../../../src/nostr/filter.js';
import type {
  EventStore,
  PutResult,
  PutStatus,
  StoredEvent,
  StoreObserver,
} from '../../../src/store/event-store.js';
import { createMemoryStore } from '../../../src/store/memory-store.js';
import type { RefusedIndex } from '../../../src/store/refused/refused-index.js';
import type { Disk, DiskEntry, DiskRecord } from './disk.js';

/** What a write takes; a crash in between loses it. */
const commitMs = 15;
/** After which what nobody waits for is written. */
const idleCommitMs = 1_000;

/**
 * A memory store whose writes reach a simulated disk after a while, so that a process can be killed before they do
 * and the next one starts from what was written.
 */
export class DurableStore implements EventStore {
  readonly refused: RefusedIndex;
  readonly #inner: EventStore;
  readonly #clock: Clock;
  readonly #disk: Disk;
  #commit: Promise<void> | undefined;
  #idle: Promise<void> | undefined;
  /** What the next commit takes to the disk. */
  #waiting: DiskRecord[] = [];

  /** Opens the store from what is on the disk. */
  constructor(clock: Clock, disk: Disk, refusedIdsMax: number) {
    // What is read from the disk happened at its own time: what had not expired then took effect.
    let replayedAtMs: number | undefined;
    const storeClock: Clock = {
      now: () => replayedAtMs ?? clock.now(),
      monotonic: () => clock.monotonic(),
      after: (delayMs, task) => clock.after(delayMs, task),
      sleep: (delayMs, signal) => clock.sleep(delayMs, signal),
    };
    const { store, refused } = createMemoryStore({ clock: storeClock, refusedIdsMax });
    this.#inner = store;
    this.#clock = clock;
    this.#disk = disk;
    for (const { entry, atMs } of disk.records) {
      replayedAtMs = atMs;
      this.#replay(entry, refused);
    }
    replayedAtMs = undefined;
    refused.observe({ added: () => {}, forgotten: ({ id }) => this.#note({ type: 'forget', id }) });
    this.refused = noting(refused, (entry) => this.#note(entry));
  }

  get size(): number {
    return this.#inner.size;
  }

  get lastSequence(): number {
    return this.#inner.lastSequence;
  }

  put(event: NostrEvent): PutResult {
    const result = this.#inner.put(event);
    if (result.status !== 'stored') return result;
    return { ...result, written: this.#write([{ type: 'put', event }]) };
  }

  remove(id: string): { readonly removed: boolean; readonly written: Promise<void> } {
    const { removed } = this.#inner.remove(id);
    return { removed, written: this.#write([{ type: 'remove', id }]) };
  }

  takeAway(ids: readonly string[], reason: string): Pick<PutResult, 'removed' | 'written'> {
    const { removed } = this.#inner.takeAway(ids, reason);
    return { removed, written: this.#write(removed.map(({ id }) => ({ type: 'remove', id }))) };
  }

  has(id: string): boolean {
    return this.#inner.has(id);
  }

  kindOf(id: string): number | undefined {
    return this.#inner.kindOf(id);
  }

  hasAt(address: Address): boolean {
    return this.#inner.hasAt(address);
  }

  authorOf(id: string): string | undefined {
    return this.#inner.authorOf(id);
  }

  preview(event: NostrEvent): PutStatus {
    return this.#inner.preview(event);
  }

  some(filter: Filter): boolean {
    return this.#inner.some(filter);
  }

  count(filters: readonly Filter[]): number {
    return this.#inner.count(filters);
  }

  countInTurns(...args: Parameters<EventStore['countInTurns']>): Promise<number> {
    return this.#inner.countInTurns(...args);
  }

  query(...args: Parameters<EventStore['query']>): AsyncIterable<readonly StoredEvent[]> {
    return this.#inner.query(...args);
  }

  get(id: string): Promise<StoredEvent | undefined> {
    return this.#inner.get(id);
  }

  ids(filter: Filter): string[];
  ids(filter: Filter, rowsMax: number): string[] | undefined;
  ids(filter: Filter, rowsMax = Number.POSITIVE_INFINITY): string[] | undefined {
    return this.#inner.ids(filter, rowsMax);
  }

  idsInTurns(filter: Filter, idsPerTurn: number): AsyncIterable<readonly string[]> {
    return this.#inner.idsInTurns(filter, idsPerTurn);
  }

  collect(filter: Filter, target: RecordSetBuilder): void {
    this.#inner.collect(filter, target);
  }

  collectInTurns(...args: Parameters<EventStore['collectInTurns']>): Promise<boolean> {
    return this.#inner.collectInTurns(...args);
  }

  removeExpired(): ReturnType<EventStore['removeExpired']> {
    const departed = this.#inner.removeExpired();
    const written = this.#write(departed.removed.map(({ id }) => ({ type: 'remove', id })));
    return { ...departed, written };
  }

  forEachKept(visit: Parameters<EventStore['forEachKept']>[0]): void {
    this.#inner.forEachKept(visit);
  }

  observe(observer: StoreObserver): void {
    this.#inner.observe(observer);
  }

  unwritten(): Promise<void> | undefined {
    return this.#commit;
  }

  async flush(): Promise<void> {
    await this.#commit;
    this.#flushWaiting();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.flush();
    await this.#inner[Symbol.asyncDispose]();
  }

  /** Joins the commit that is under way, or begins one. */
  #write(entries: readonly DiskEntry[]): Promise<void> {
    for (const entry of entries) this.#waiting.push({ entry, atMs: this.#clock.now() });
    this.#commit ??= this.#clock.sleep(commitMs).then(() => {
      this.#commit = undefined;
      this.#flushWaiting();
    });
    return this.#commit;
  }

  /** Has it written with the next commit, or in a while: nobody waits for it. */
  #note(entry: DiskEntry): void {
    this.#waiting.push({ entry, atMs: this.#clock.now() });
    this.#idle ??= this.#clock.sleep(idleCommitMs).then(() => {
      this.#idle = undefined;
      this.#flushWaiting();
    });
  }

  #flushWaiting(): void {
    this.#disk.write(this.#waiting, this.#clock.monotonic());
    this.#waiting = [];
  }

  #replay(entry: DiskEntry, refused: RefusedIndex): void {
    switch (entry.type) {
      case 'put':
        this.#inner.put(entry.event);
        return;
      case 'remove':
        this.#inner.remove(entry.id);
        return;
      case 'refuse':
        refused.add(entry.event, entry.reason);
        return;
      case 'forget':
        refused.delete(entry.id);
    }
  }
}

/** Tells of what is added by others; what the store itself refuses, the next life refuses as well. */
function noting(refused: RefusedIndex, note: (entry: DiskEntry) => void): RefusedIndex {
  return {
    get size() {
      return refused.size;
    },
    add(event, reason) {
      refused.add(event, reason);
      note({ type: 'refuse', event, reason });
    },
    reasonFor: (id) => refused.reasonFor(id),
    delete: (id) => refused.delete(id),
    deleteRefusedFor: (isSuch) => refused.deleteRefusedFor(isSuch),
    forgetInTurns: (filter, isSuch) => refused.forgetInTurns(filter, isSuch),
    matching: (filter, budget, except) => refused.matching(filter, budget, except),
    search: (filter, except) => refused.search(filter, except),
    collect: (filter, target) => refused.collect(filter, target),
    collectInTurns: (filter, target, signal) => refused.collectInTurns(filter, target, signal),
    observe: (observer) => refused.observe(observer),
    removeExpired: () => refused.removeExpired(),
  };
}
