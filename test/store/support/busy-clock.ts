import { VirtualClock } from '../../support/virtual-clock.js';

/** Every look at it takes some milliseconds, so that a slice of a turn has room for a few pieces of work only. */
export class BusyClock extends VirtualClock {
  readonly #msPerLook: number;
  #looks = 0;

  constructor(startMs: number, msPerLook = 1) {
    super(startMs);
    this.#msPerLook = msPerLook;
  }

  override monotonic(): number {
    this.#looks += 1;
    return this.#looks * this.#msPerLook;
  }
}
