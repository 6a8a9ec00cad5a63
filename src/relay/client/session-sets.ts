import { KernelMemoryError } from '../../kernels/errors.js';
import { type Kernels, recordBytes } from '../../kernels/kernels.js';
import type { MemoryBudget, MemoryHolder } from '../../lib/budgets/memory-budget.js';
import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';
import type { Filter } from '../../nostr/filter.js';
import type { LocalSet } from '../../store/sets/local-set.js';
import type { LocalSets } from '../../store/sets/local-sets.js';

export type SessionSetServices = {
  readonly localSets: Pick<LocalSets, 'open' | 'isStanding' | 'makingBytes'>;
  readonly kernels: Kernels;
  /** The kernel memory of the sets of all clients. */
  readonly negentropyMemory: MemoryBudget;
  readonly settings: { readonly negentropyItemsMax: number };
};

/** The records of a session; disposing of it gives their memory back. */
export type SessionSet = Disposable & { readonly records: LocalSet };

export type SessionSetAnswer =
  | { readonly type: 'open'; readonly set: SessionSet }
  /** It is more than could be had at once, whatever else were given back. */
  | { readonly type: 'too-many'; readonly itemsMax: number }
  /** There is no room beside the other sets of the client. */
  | { readonly type: 'no-room' };

/** Kernel memory of a record in a set, with its share of sums or of a node. */
const setRecordBytes = recordBytes + 16;

/**
 * The sets of one client's negentropy sessions, with their share of the kernels' memory. A set that stands is shared by
 * all who read it, and belongs to nobody.
 */
export class SessionSets implements Disposable {
  readonly #services: SessionSetServices;
  readonly #group: string | undefined;
  readonly #turns: WorkTurns;
  readonly #onGiveWay: () => void;
  #memory: MemoryHolder;

  /** Sets are made in `turns`, those of the client. `onGiveWay` is told when the memory of all sets goes to others: the sessions have to end. */
  constructor(
    services: SessionSetServices,
    group: string | undefined,
    turns: WorkTurns,
    onGiveWay: () => void,
  ) {
    this.#services = services;
    this.#group = group;
    this.#turns = turns;
    this.#onGiveWay = onGiveWay;
    this.#memory = this.#join();
  }

  /** What is stored for the filter. Rejects with the signal's reason, or as the store does. */
  async open(filter: Filter, signal: AbortSignal): Promise<SessionSetAnswer> {
    for (;;) {
      const { bytes: heldBefore, room } = this.#memory;
      const itemsMax = Math.min(
        this.#services.settings.negentropyItemsMax,
        Math.max(1, Math.floor(room / setRecordBytes)),
      );
      const records = await this.#records(filter, itemsMax, signal);
      if (typeof records === 'number') return { type: 'too-many', itemsMax: records };
      if (records === undefined) {
        if (heldBefore === 0) return { type: 'too-many', itemsMax };
      } else {
        const set = this.#withMemory(records);
        if (set !== undefined) return { type: 'open', set };
        // Other clients hold the rest: of less than that there may be room.
        if (this.#memory.bytes === 0) return { type: 'too-many', itemsMax: Math.ceil(records.size / 2) };
      }
      if (this.#memory.bytes > 0) return { type: 'no-room' };
      // What the others of the client held was given back meanwhile.
    }
  }

  [Symbol.dispose](): void {
    this.#memory[Symbol.dispose]();
  }

  /** A number is how many records the kernels have room for; `undefined` when there are more than `itemsMax`. */
  async #records(
    filter: Filter,
    itemsMax: number,
    signal: AbortSignal,
  ): Promise<LocalSet | number | undefined> {
    const { localSets, kernels } = this.#services;
    try {
      return await localSets.open(filter, itemsMax, signal, this.#turns);
    } catch (error) {
      if (signal.aborted || !(error instanceof KernelMemoryError)) throw error;
      return Math.min(itemsMax, itemsThatFit(kernels));
    }
  }

  #withMemory(records: LocalSet): SessionSet | undefined {
    const isShared = this.#services.localSets.isStanding(records);
    const memory = this.#memory.reserve(isShared ? 0 : records.size * setRecordBytes);
    const set = {
      records,
      [Symbol.dispose]: () => {
        records[Symbol.dispose]();
        memory?.[Symbol.dispose]();
      },
    };
    if (memory !== undefined) return set;
    set[Symbol.dispose]();
    return undefined;
  }

  #join(): MemoryHolder {
    return this.#services.negentropyMemory.holder(this.#group, () => {
      this.#memory = this.#join();
      this.#onGiveWay();
    });
  }
}

/** How many records the kernels could take at the moment: they are copied while they grow, and get range sums. */
function itemsThatFit(kernels: Kernels): number {
  const { bytesMax, bytesInUse } = kernels.memory();
  return Math.max(1, Math.floor((bytesMax - bytesInUse) / (4 * recordBytes)));
}
