import { unlessAborted } from '../../lib/abort.js';
import { SharedTurns } from '../../lib/turns/shared-turns.js';
import type { WorkTurns } from '../../lib/turns/turn-scheduler.js';
import type { LocalSet, SharedSet } from './local-set.js';

/** A set that was made, and a hold on it. */
export type MadeSet = { readonly shared: SharedSet; readonly hold: LocalSet };

/** Makes the set, in those turns; `undefined` when it is too large. */
export type MakeSet = (turns: WorkTurns) => Promise<MadeSet | undefined>;

/** A set in the making: made once for all who ask for it meanwhile, in the turns of all of them. */
export class SetMaking {
  readonly #make: MakeSet;
  readonly #onLeft: () => void;
  readonly #turns = new SharedTurns();
  #made: Promise<MadeSet | undefined> | undefined;
  #asking = 0;

  /** `onLeft` is told when nobody asks any more. */
  constructor(make: MakeSet, onLeft: () => void) {
    this.#make = make;
    this.#onLeft = onLeft;
  }

  /** Whether several ask for it. */
  get isShared(): boolean {
    return this.#asking > 1;
  }

  /** Waits for the set and gives what `take` makes of it. Rejects as the making does, and with the signal's reason. */
  async ask<T>(
    turns: WorkTurns,
    signal: AbortSignal | undefined,
    take: (set: SharedSet | undefined) => T,
  ): Promise<T> {
    signal?.throwIfAborted();
    const leave = this.#turns.join(turns);
    this.#asking += 1;
    try {
      this.#made ??= this.#make(this.#turns);
      return take((await unlessAborted(this.#made, signal))?.shared);
    } finally {
      leave();
      this.#asking -= 1;
      if (this.#asking === 0) this.#end();
    }
  }

  #end(): void {
    this.#onLeft();
    this.#made?.then(
      (made) => made?.hold[Symbol.dispose](),
      () => {
        // Who asked was told.
      },
    );
  }
}
