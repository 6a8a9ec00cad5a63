/**
 * Turns of the event loop for long work on one index, first come, first served: between two of them, whoever takes
 * them, the event loop does all else.
 */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Settles when it is the caller's turn. Rejects with the signal's reason. */
  async next(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const turn = this.#last.then(() => new Promise<void>((resolve) => setImmediate(resolve)));
    this.#last = turn;
    await turn;
    signal?.throwIfAborted();
  }
}
