import { limits } from '../../config/limits.js';
import { KernelMemoryError } from '../../kernels/errors.js';
import type { Kernels, LiveSet } from '../../kernels/kernels.js';
import { fromHex } from '../../lib/bytes.js';
import type { Filter } from '../../nostr/filter.js';
import type { EventStore } from '../event-store.js';
import type { RefusedIndex } from '../refused/refused-index.js';
import { collectKnown } from './known-records.js';
import { type LocalSet, SharedSet, withinTimes } from './local-set.js';
import { SetChanges } from './set-changes.js';

/**
 * All that is known, stored or remembered as refused: our side of a reconciliation of everything, for whichever relay.
 * It is made in turns of the event loop when it is first asked for; from then on it stands, and follows the store by
 * itself. Whoever reads it over several messages sees each time what is known then, at other indexes than before.
 */
export class KnownSet {
  readonly #store: Pick<EventStore, 'collect' | 'collectInTurns'>;
  readonly #refused: Pick<RefusedIndex, 'collect' | 'collectInTurns'>;
  readonly #kernels: Kernels;
  #live: SharedSet<LiveSet> | undefined;
  #making: Promise<boolean> | undefined;
  /** Whether the kernels could not hold it when it was last made. */
  #isTooLarge = false;
  /** What happens while the set is being made. */
  #changes: SetChanges | undefined;

  constructor(
    store: Pick<EventStore, 'collect' | 'collectInTurns' | 'observe'>,
    refused: Pick<RefusedIndex, 'collect' | 'collectInTurns' | 'observe'>,
    kernels: Kernels,
  ) {
    this.#store = store;
    this.#refused = refused;
    this.#kernels = kernels;
    const add = (event: { readonly id: string; readonly created_at: number }) =>
      this.#add(event.created_at, fromHex(event.id));
    // What leaves the store is remembered as refused, and known until that forgets it; but what was lost is wanted again.
    store.observe({
      added: add,
      removed: ({ id, created_at }, remains) => {
        if (remains === 'nothing') this.#remove(created_at, fromHex(id));
      },
    });
    refused.observe({ added: add, forgotten: ({ id, created_at }) => this.#remove(created_at, fromHex(id)) });
  }

  /** Makes the set if it does not stand yet: it will be asked for soon. What was too large is left to `open`. */
  prepare(): void {
    if (this.#live !== undefined || this.#making !== undefined || this.#isTooLarge) return;
    this.open().then(
      (set) => set?.[Symbol.dispose](),
      () => {
        // Whoever asks for it then is told.
      },
    );
  }

  /**
   * What is known of a stretch of time, or `undefined` when the kernels cannot hold all. Rejects with the signal's
   * reason.
   */
  async open(
    times: Pick<Filter, 'since' | 'until'> = {},
    signal?: AbortSignal,
  ): Promise<LocalSet | undefined> {
    while (this.#live === undefined) {
      this.#making ??= this.#make().finally(() => {
        this.#making = undefined;
        this.#changes = undefined;
      });
      const isMade = await this.#making;
      this.#isTooLarge = !isMade;
      signal?.throwIfAborted();
      if (!isMade) return undefined;
    }
    return withinTimes(this.#live.lease(), times);
  }

  /** Whether it could be made. */
  async #make(): Promise<boolean> {
    const changes = new SetChanges(limits.localSetChangesMax);
    this.#changes = changes;
    try {
      using builder = this.#kernels.createRecordSet();
      await collectKnown({ store: this.#store, refused: this.#refused }, {}, builder);
      // From here to the end in one turn: the set misses nothing.
      using anew = changes.areLost ? this.#kernels.createRecordSet() : undefined;
      if (anew !== undefined) {
        this.#store.collect({}, anew);
        this.#refused.collect({}, anew);
      }
      const records = anew ?? builder;
      const live = new SharedSet(records.toLiveSet());
      try {
        changes.applyTo(live.set);
      } catch (error) {
        live.evict();
        throw error;
      }
      this.#live = live;
      return true;
    } catch (error) {
      if (error instanceof KernelMemoryError) return false;
      throw error;
    }
  }

  #add(createdAt: number, id: Uint8Array): void {
    this.#changes?.add(createdAt, id);
    try {
      this.#live?.set.insert(createdAt, id);
    } catch (error) {
      if (!(error instanceof KernelMemoryError)) throw error;
      this.#live?.evict();
      this.#live = undefined;
    }
  }

  #remove(createdAt: number, id: Uint8Array): void {
    this.#changes?.remove(createdAt, id);
    this.#live?.set.delete(createdAt, id);
  }
}
