import { KernelUsageError } from './errors.js';
import { matchesFilter } from './filter-rules.js';
import { HandleList } from './handle-list.js';
import type { EventColumn, KernelEvent, KernelFilter } from './kernels.js';

/** Every event against the filter. */
export class ReferenceEventColumn implements EventColumn {
  readonly #events = new Map<number, KernelEvent>();
  readonly #ids = new Set<string>();
  readonly #rows = new HandleList();
  #disposed = false;

  get size(): number {
    return this.#events.size;
  }

  add(event: KernelEvent): number {
    this.#checkOpen();
    if (this.#ids.has(event.id)) throw new KernelUsageError(`event ${event.id} is in the column already`);
    const row = this.#rows.take();
    this.#ids.add(event.id);
    this.#events.set(row, event);
    return row;
  }

  remove(row: number): void {
    this.#checkOpen();
    const event = this.#events.get(row);
    if (event === undefined) throw new KernelUsageError(`no event has the row ${row}`);
    this.#events.delete(row);
    this.#ids.delete(event.id);
    this.#rows.giveBack(row);
  }

  select(filter: KernelFilter): number[] {
    this.#checkOpen();
    return [...this.#events].filter(([, event]) => matchesFilter(filter, event)).map(([row]) => row);
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#events.clear();
  }

  #checkOpen(): void {
    if (this.#disposed) throw new KernelUsageError('the column was disposed');
  }
}
