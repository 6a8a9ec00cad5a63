import { exceeds, reaches } from '../../config/limit-use.js';
import { limits } from '../../config/limits.js';
import { onAbort, TimeLimitError } from '../../lib/abort.js';
import type { Clock } from '../../lib/clock.js';
import { within } from '../../lib/time-limit.js';
import { Wakeup } from '../../lib/wakeup.js';
import type { NostrEvent } from '../../nostr/event.js';
import { eventRepositories } from '../../nostr/repository.js';
import type { EventStore } from '../../store/event-store.js';
import { PeerGoneError } from '../errors.js';

/** What can be asked of a relay here. */
export type WantedSource = {
  readonly relay: string;
  /** Fetches ids; gives those that the relay does not serve. */
  fetch(ids: readonly string[], signal: AbortSignal): Promise<readonly string[]>;
};

export type WantedIdsParts = {
  readonly clock: Clock;
  readonly store: Pick<EventStore, 'has'>;
  readonly directory: { repositoryAt(address: string): { readonly relays: readonly string[] } | undefined };
  /** The relays that are connected, the best first. */
  readonly connected: () => readonly WantedSource[];
};

/** The repositories of one event, and how many ids wait for them. */
type Cause = { readonly repositories: readonly string[]; ids: number };

type Wanted = { readonly ids: readonly string[]; readonly repositories: ReadonlySet<string> };

/**
 * Ids that are asked for outside of catch-up: refused events whose missing piece has arrived and that are no longer at
 * hand, and stored ones that were found damaged. Each is asked of one relay after another until one serves it: first of
 * those that the announcement of the repository names, then of some others. What is lost here, catch-up finds.
 */
export class WantedIds {
  readonly #parts: WantedIdsParts;
  /** By id, because of what it became acceptable. */
  readonly #waiting = new Map<string, Cause>();
  /** How many repositories the causes have. */
  #repositories = 0;
  readonly #wakeup = new Wakeup();
  /** At which of the other relays the next search begins, so that it is not always the same ones that are asked. */
  #turn = 0;

  constructor(parts: WantedIdsParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** `cause` is the event because of which they may be acceptable by now, if it was one (`Admission.onWanted`). */
  add(ids: readonly string[], cause: NostrEvent | undefined): void {
    const about: Cause = { repositories: this.#repositoriesOf(cause), ids: 0 };
    for (const id of new Set(ids)) {
      if (reaches('wantedIdsMax', this.#waiting.size)) break;
      this.#delete(id);
      this.#waiting.set(id, about);
      about.ids += 1;
    }
    if (about.ids > 0) this.#repositories += about.repositories.length;
    this.#wakeup.notify();
  }

  async run(signal: AbortSignal): Promise<void> {
    using _ = onAbort(signal, () => this.#wakeup.notify());
    while (!signal.aborted) {
      if (this.#waiting.size > 0) await this.#fetch(this.#take(), signal);
      else await this.#wakeup.wait();
    }
  }

  /** How many repositories are remembered, for those whose relays are asked first. */
  get repositories(): number {
    return this.#repositories;
  }

  #repositoriesOf(cause: NostrEvent | undefined): readonly string[] {
    if (cause === undefined) return [];
    const repositories = eventRepositories(cause).slice(0, limits.wantedRepositoriesMax);
    return exceeds('wantedRepositoriesInAllMax', this.#repositories + repositories.length)
      ? []
      : repositories;
  }

  #delete(id: string): void {
    const about = this.#waiting.get(id);
    if (about === undefined) return;
    this.#waiting.delete(id);
    about.ids -= 1;
    if (about.ids === 0) this.#repositories -= about.repositories.length;
  }

  #take(): Wanted {
    const ids: string[] = [];
    const repositories = new Set<string>();
    for (const [id, about] of this.#waiting) {
      if (ids.length >= limits.downloadIdsMax) break;
      this.#delete(id);
      if (this.#parts.store.has(id)) continue;
      ids.push(id);
      for (const repository of about.repositories) repositories.add(repository);
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
    const { directory } = this.#parts;
    const namedRelays = new Set<string>();
    for (const address of repositories)
      for (const relay of directory.repositoryAt(address)?.relays ?? []) namedRelays.add(relay);
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
