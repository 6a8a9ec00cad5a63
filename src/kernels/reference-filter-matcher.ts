import { KernelUsageError } from './errors.js';
import { HandleList } from './handle-list.js';
import type { FilterMatcher, KernelEvent, KernelFilter } from './kernels.js';

/** Every filter against every event. */
export class ReferenceFilterMatcher implements FilterMatcher {
  readonly #filters = new Map<number, KernelFilter>();
  readonly #handles = new HandleList();
  #disposed = false;

  get size(): number {
    return this.#filters.size;
  }

  add(filter: KernelFilter): number {
    this.#checkOpen();
    const handle = this.#handles.take();
    this.#filters.set(handle, structuredClone(filter));
    return handle;
  }

  remove(handle: number): void {
    this.#checkOpen();
    if (!this.#filters.delete(handle)) throw new KernelUsageError(`no filter has the handle ${handle}`);
    this.#handles.giveBack(handle);
  }

  match(event: KernelEvent): number[] {
    this.#checkOpen();
    return [...this.#filters].filter(([, filter]) => matches(filter, event)).map(([handle]) => handle);
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#filters.clear();
  }

  #checkOpen(): void {
    if (this.#disposed) throw new KernelUsageError('the matcher was disposed');
  }
}

/** NIP-01; a `since` or `until` of 0 bounds nothing, as in nostr-tools. */
function matches(filter: KernelFilter, event: KernelEvent): boolean {
  if (filter.ids && !filter.ids.includes(event.id)) return false;
  if (filter.authors && !filter.authors.includes(event.pubkey)) return false;
  if (filter.kinds && !filter.kinds.includes(event.kind)) return false;
  if (filter.since && event.created_at < filter.since) return false;
  if (filter.until && event.created_at > filter.until) return false;
  return Object.entries(filter).every(([key, values]) => {
    if (!isTagKey(key) || values === undefined) return true;
    const wanted: readonly unknown[] = filter[key] ?? [];
    return event.tags.some(([name, value]) => name === key.slice(1) && wanted.includes(value));
  });
}

const isTagKey = (key: string): key is `#${string}` => key.startsWith('#');
