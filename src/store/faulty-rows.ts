import { reaches } from '../config/limit-use.js';
import type { BodyFault } from './backend.js';
import type { RemovedEvent } from './event-store.js';
import type { EventIndex } from './index/event-index.js';

/** A stored event that is not to be had, and why. */
export type FaultyEvent = Omit<RemovedEvent, 'bytes'> & { readonly fault: BodyFault };

export type FaultOptions = {
  /** Told of each stored event that a read finds faulty, once. Must not throw nor change the store. */
  readonly onFault?: (event: FaultyEvent) => void;
  /**
   * Whether a faulty event stays in the index: for those who look only. Otherwise one whose bytes are lost is forgotten,
   * so that it is new when another relay has it.
   */
  readonly keepsFaulty?: boolean;
};

/** Decides what becomes of stored rows whose event is not to be had, and tells of them. */
export class FaultyRows {
  readonly #index: EventIndex;
  readonly #options: FaultOptions;
  /** Sequences of those that were told of and stayed. */
  readonly #told = new Set<number>();

  constructor(index: EventIndex, options: FaultOptions) {
    this.#index = index;
    this.#options = options;
  }

  /** Tells of a stored row; answers whether it is to be forgotten. */
  isToGo(row: number, fault: BodyFault): boolean {
    const sequence = this.#index.rows.sequence(row);
    if (this.#told.has(sequence)) return false;
    if (reaches('storeFaultsToldMax', this.#told.size)) this.#told.clear();
    const goes = fault !== 'unreadable' && this.#options.keepsFaulty !== true;
    if (!goes) this.#told.add(sequence);
    this.#options.onFault?.({ ...this.#index.removedEvent(row), fault });
    return goes;
  }
}
