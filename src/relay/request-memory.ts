import type { MemoryHolder, Reservation } from '../lib/budgets/memory-budget.js';
import { GraspError } from '../lib/errors.js';
import type { QueryMemory } from '../store/event-store.js';

/** There is no memory for what a request holds while it runs. */
export class NoRoomError extends GraspError {
  constructor() {
    super('no_room', 'there is no memory for what the request holds');
  }
}

/** What a request of a client holds while it runs, counted for the client until this is disposed of. */
export class RequestMemory implements QueryMemory, Disposable {
  readonly #held: Reservation;

  constructor(memory: MemoryHolder) {
    this.#held = memory.open();
  }

  /** Throws `NoRoomError`. */
  hold(bytes: number): void {
    if (!this.#held.resize(bytes)) throw new NoRoomError();
  }

  [Symbol.dispose](): void {
    this.#held[Symbol.dispose]();
  }
}
