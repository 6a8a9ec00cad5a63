/** Counts how much of something that all clients share is taken. */
export class SlotCounter {
  readonly #slotsMax: number;
  #taken = 0;

  constructor(slotsMax: number) {
    this.#slotsMax = slotsMax;
  }

  /** Takes a slot; `false` when all are taken. */
  take(): boolean {
    if (this.#taken >= this.#slotsMax) return false;
    this.#taken += 1;
    return true;
  }

  /** Gives back a slot that was taken. */
  release(): void {
    this.#taken -= 1;
  }
}
