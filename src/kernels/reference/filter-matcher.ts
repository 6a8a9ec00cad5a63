import type { Filter } from '../../nostr/filter.js';
import {
  type CompiledFilter,
  compileFilter,
  type FilteredEvent,
  IndexedEvent,
} from '../../nostr/filter-match.js';
import { KernelUsageError } from '../errors.js';
import { HandleList } from '../handle-list.js';
import type { FilterMatcher } from '../kernels.js';

/** Every filter against every event. */
export class ReferenceFilterMatcher implements FilterMatcher {
  readonly #filters = new Map<number, CompiledFilter>();
  readonly #handles = new HandleList();
  #disposed = false;

  get size(): number {
    return this.#filters.size;
  }

  add(filter: Filter): number {
    this.#checkOpen();
    const handle = this.#handles.take();
    this.#filters.set(handle, compileFilter(filter));
    return handle;
  }

  remove(handle: number): void {
    this.#checkOpen();
    if (!this.#filters.delete(handle)) throw new KernelUsageError(`no filter has the handle ${handle}`);
    this.#handles.giveBack(handle);
  }

  match(event: FilteredEvent): number[] {
    this.#checkOpen();
    const indexed = new IndexedEvent(event);
    return [...this.#filters].filter(([, matches]) => matches(indexed)).map(([handle]) => handle);
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#filters.clear();
  }

  #checkOpen(): void {
    if (this.#disposed) throw new KernelUsageError('the matcher was disposed');
  }
}
