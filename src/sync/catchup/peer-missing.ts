import { reaches } from '../../config/limit-use.js';
import { eventRepositories } from '../../nostr/repository.js';
import type { RepositoryDirectory } from '../../repositories/repository-directory.js';
import type { EventStore } from '../../store/event-store.js';
import type { RunLog } from '../report/run-log.js';
import type { CatchupBatch } from '../topics/topic-state.js';

/**
 * Counts, by repository, the events that we have and a relay lacks ("peer missing events"): of those repositories
 * only whose announcement names that relay, for no other relay is meant to have them.
 */
export class PeerMissing {
  readonly #relay: string;
  readonly #store: EventStore;
  readonly #directory: RepositoryDirectory;
  readonly #reads = new Set<Promise<void>>();
  #counted = new WeakMap<CatchupBatch, Set<string>>();

  constructor(relay: string, store: EventStore, directory: RepositoryDirectory) {
    this.#relay = relay;
    this.#store = store;
    this.#directory = directory;
  }

  /** Takes ids that a session found only here: stored ones, and remembered ones, which do not count. */
  add(ids: Iterable<string>, batch: CatchupBatch, log: RunLog): void {
    let counted = this.#counted.get(batch);
    if (counted === undefined) {
      counted = new Set();
      this.#counted.set(batch, counted);
    }
    const fresh: string[] = [];
    for (const id of ids) {
      if (reaches('peerMissingEventsReadMax', counted.size)) break;
      if (counted.has(id) || !this.#store.has(id)) continue;
      counted.add(id);
      fresh.push(id);
    }
    if (fresh.length === 0) return;
    const read = this.#read(fresh, log).finally(() => this.#reads.delete(read));
    this.#reads.add(read);
  }

  /** Resolves when all that was added is counted. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#reads);
  }

  async #read(ids: readonly string[], log: RunLog): Promise<void> {
    for (const id of ids) {
      const stored = await this.#store.get(id);
      if (stored === undefined) continue;
      const repository = eventRepositories(stored.event).find((address) =>
        this.#directory.repositoryAt(address)?.relays.includes(this.#relay),
      );
      if (repository !== undefined) log.peerMissing(repository, 1);
    }
  }
}
