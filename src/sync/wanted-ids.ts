import { limits } from '../config/limits.js';
import type { EventStore } from '../store/event-store.js';
import { PeerGoneError } from './errors.js';
import type { RelaySync } from './relay-sync.js';
import { Wakeup } from './wakeup.js';

/**
 * Ids that are asked for outside of catch-up: refused events whose missing piece has arrived and that are no longer at
 * hand. Each is asked of one relay after another until one serves it. What is lost here, catch-up finds.
 */
export class WantedIds {
  readonly #store: Pick<EventStore, 'has'>;
  readonly #connected: () => RelaySync[];
  /** By id, the relays that are most likely to have it. */
  readonly #waiting = new Map<string, readonly string[]>();
  readonly #wakeup = new Wakeup();

  constructor(parts: { readonly store: Pick<EventStore, 'has'> }, connected: () => RelaySync[]) {
    this.#store = parts.store;
    this.#connected = connected;
  }

  get size(): number {
    return this.#waiting.size;
  }

  add(ids: readonly string[], relays: readonly string[] = []): void {
    for (const id of ids) {
      if (this.#waiting.size >= limits.wantedIdsMax) break;
      this.#waiting.set(id, relays);
    }
    this.#wakeup.notify();
  }

  async run(signal: AbortSignal): Promise<void> {
    const onAbort = () => this.#wakeup.notify();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      while (!signal.aborted) {
        if (this.#waiting.size === 0) {
          await this.#wakeup.wait();
          continue;
        }
        await this.#fetch(this.#take(), signal);
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #take(): { readonly ids: readonly string[]; readonly relays: readonly string[] } {
    const ids: string[] = [];
    const relays = new Set<string>();
    for (const [id, likely] of this.#waiting) {
      this.#waiting.delete(id);
      if (this.#store.has(id)) continue;
      ids.push(id);
      for (const relay of likely) relays.add(relay);
      if (ids.length >= limits.downloadIdsMax) break;
    }
    return { ids, relays: [...relays] };
  }

  async #fetch(
    wanted: { readonly ids: readonly string[]; readonly relays: readonly string[] },
    signal: AbortSignal,
  ) {
    let { ids } = wanted;
    const connected = this.#connected();
    const likely = connected.filter((sync) => wanted.relays.includes(sync.relay));
    const others = connected.filter((sync) => !wanted.relays.includes(sync.relay));
    for (const sync of [...likely, ...others].slice(0, limits.wantedRelaysMax)) {
      if (ids.length === 0) return;
      try {
        ids = await sync.fetch(ids, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof PeerGoneError)) throw error;
      }
    }
  }
}
