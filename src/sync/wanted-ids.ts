import { limits } from '../config/limits.js';
import { TimeLimitError } from '../lib/abort.js';
import type { Clock } from '../lib/clock.js';
import type { NostrEvent } from '../nostr/event.js';
import type { EventStore } from '../store/event-store.js';
import { PeerGoneError } from './errors.js';
import { eventRepositories } from './event-repositories.js';
import type { FilterService } from './filter.js';
import type { RelaySync } from './relay-sync.js';
import { within } from './time-limit.js';
import { Wakeup } from './wakeup.js';

/** What can be asked of a relay here. */
export type WantedSource = Pick<RelaySync, 'relay' | 'fetch'>;

export type WantedIdsParts = {
  readonly clock: Clock;
  readonly store: Pick<EventStore, 'has'>;
  readonly filters: Pick<FilterService, 'relaysNamedBy'>;
  /** The relays that are connected, the best first. */
  readonly connected: () => readonly WantedSource[];
};

type Wanted = { readonly ids: readonly string[]; readonly repositories: ReadonlySet<string> };

/**
 * Ids that are asked for outside of catch-up: refused events whose missing piece has arrived and that are no longer at
 * hand, and stored ones that were found damaged. Each is asked of one relay after another until one serves it, first of those that the announcement of the
 * repository names, then of others in turn. What is lost here, catch-up finds.
 */
export class WantedIds {
  readonly #parts: WantedIdsParts;
  /** By id, the repositories that it became acceptable for. */
  readonly #waiting = new Map<string, readonly string[]>();
  readonly #wakeup = new Wakeup();
  /** Where the others go on, so that it is not always the same ones that are asked. */
  #turn = 0;

  constructor(parts: WantedIdsParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** `cause` is the event because of which they may be acceptable by now, if it was one (`Admission.onWanted`). */
  add(ids: readonly string[], cause: NostrEvent | undefined): void {
    const repositories =
      cause === undefined ? [] : eventRepositories(cause).slice(0, limits.wantedRepositoriesMax);
    for (const id of ids) {
      if (this.#waiting.size >= limits.wantedIdsMax) break;
      this.#waiting.set(id, repositories);
    }
    this.#wakeup.notify();
  }

  async run(signal: AbortSignal): Promise<void> {
    const onAbort = () => this.#wakeup.notify();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      while (!signal.aborted) {
        if (this.#waiting.size > 0) await this.#fetch(this.#take(), signal);
        else await this.#wakeup.wait();
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #take(): Wanted {
    const ids: string[] = [];
    const repositories = new Set<string>();
    for (const [id, about] of this.#waiting) {
      if (ids.length >= limits.downloadIdsMax) break;
      this.#waiting.delete(id);
      if (this.#parts.store.has(id)) continue;
      ids.push(id);
      for (const repository of about) repositories.add(repository);
    }
    return { ids, repositories };
  }

  async #fetch({ ids, repositories }: Wanted, signal: AbortSignal): Promise<void> {
    let open = ids;
    for (const source of this.#sources(repositories)) {
      if (open.length === 0) return;
      open = await this.#fetchFrom(source, open, signal);
    }
  }

  #sources(repositories: ReadonlySet<string>): WantedSource[] {
    const connected = this.#parts.connected();
    const { filters } = this.#parts;
    const namedRelays = new Set<string>();
    for (const address of repositories)
      for (const relay of filters.relaysNamedBy(address)) namedRelays.add(relay);
    const isNamed = ({ relay }: WantedSource) => namedRelays.has(relay);
    const named = connected.filter(isNamed).slice(0, limits.wantedRelaysMax);
    const others = connected.filter((source) => !isNamed(source));
    const room = Math.min(limits.wantedRelaysMax - named.length, others.length);
    const start = others.length === 0 ? 0 : this.#turn % others.length;
    this.#turn += room;
    return [...named, ...[...others.slice(start), ...others.slice(0, start)].slice(0, room)];
  }

  /** Returns the ids that are still wanted. */
  async #fetchFrom(
    source: WantedSource,
    ids: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const { clock, store } = this.#parts;
    try {
      return await within(
        clock,
        'a download outside of catch-up',
        limits.wantedFetchMsMax,
        signal,
        async (attempt) => await source.fetch(ids, attempt),
      );
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof PeerGoneError || error instanceof TimeLimitError)) throw error;
      return ids.filter((id) => !store.has(id));
    }
  }
}
