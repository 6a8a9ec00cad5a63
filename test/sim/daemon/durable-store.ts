import type { RecordSetBuilder } from '../../../src/kernels/kernels.js';
import type { Clock } from '../../../src/lib/clock.js';
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
import type { RefusedIndex } from '../../../src/store/refused-index.js';

/** What is on the simulated disk: all that was written, in its order, and the memory of refused events. */
export type Disk = {
  readonly journal: (
    | { readonly type: 'put'; readonly event: NostrEvent; readonly atMs: number }
    | { readonly type: 'remove'; readonly id: string; readonly atMs: number }
  )[];
  readonly refused: Map<string, { readonly event: NostrEvent; readonly reason: string }>;
};

export const emptyDisk = (): Disk => ({ journal: [], refused: new Map() });

/** What a write takes; a crash in between loses it. */
const commitMs = 15;

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
    for (const entry of disk.journal) {
      replayedAtMs = entry.atMs;
      if (entry.type === 'put') store.put(entry.event);
      else store.remove(entry.id);
    }
    replayedAtMs = undefined;
    // What makes room for others is forgotten on the disk too.
    refused.observe({ added: () => {}, forgotten: ({ id }) => disk.refused.delete(id) });
    for (const { event, reason } of [...disk.refused.values()]) refused.add(event, reason);
    this.refused = recorded(refused, disk);
  }

  get size(): number {
    return this.#inner.size;
  }

  put(event: NostrEvent): PutResult {
    const result = this.#inner.put(event);
    if (result.status !== 'stored') return result;
    const atMs = this.#clock.now();
    return { ...result, written: this.#write(() => this.#disk.journal.push({ type: 'put', event, atMs })) };
  }

  remove(id: string): { readonly removed: boolean; readonly written: Promise<void> } {
    const { removed } = this.#inner.remove(id);
    const atMs = this.#clock.now();
    return { removed, written: this.#write(() => this.#disk.journal.push({ type: 'remove', id, atMs })) };
  }

  has(id: string): boolean {
    return this.#inner.has(id);
  }

  kindOf(id: string): number | undefined {
    return this.#inner.kindOf(id);
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

  ids(filter: Filter): string[] {
    return this.#inner.ids(filter);
  }

  authors(filter: Filter, rowsMax: number): string[] {
    return this.#inner.authors(filter, rowsMax);
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
    const atMs = this.#clock.now();
    const written = this.#write(() => {
      for (const { id } of departed.removed) this.#disk.journal.push({ type: 'remove', id, atMs });
    });
    return { ...departed, written };
  }

  observe(observer: StoreObserver): void {
    this.#inner.observe(observer);
  }

  unwritten(): Promise<void> | undefined {
    return this.#commit;
  }

  async flush(): Promise<void> {
    await this.#commit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.flush();
    await this.#inner[Symbol.asyncDispose]();
  }

  /** Joins the commit that is under way, or begins one. */
  #write(record: () => void): Promise<void> {
    this.#commit ??= this.#clock.sleep(commitMs).then(() => {
      this.#commit = undefined;
    });
    return this.#commit.then(record);
  }
}

/** Keeps the disk's copy of the refused events in step. */
function recorded(refused: RefusedIndex, disk: Disk): RefusedIndex {
  return {
    get size() {
      return refused.size;
    },
    add(event, reason) {
      refused.add(event, reason);
      disk.refused.set(event.id, { event, reason });
    },
    reasonFor: (id) => refused.reasonFor(id),
    delete: (id) => refused.delete(id),
    matching: (filter, idsMax) => refused.matching(filter, idsMax),
    collect: (filter, target) => refused.collect(filter, target),
    observe: (observer) => refused.observe(observer),
    removeExpired: () => refused.removeExpired(),
  };
}
