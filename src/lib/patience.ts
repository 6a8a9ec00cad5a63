import { type Deferred, deferred } from './abort.js';

/** Waits for work for others, who can be told something else meanwhile: the work goes on, and nobody hears its end. */
export class Patience<T> {
  readonly #waiting = new Set<Deferred<T>>();

  /** Settles as `work` does, or with what `end` is given before that. */
  async waitFor(work: Promise<T>): Promise<T> {
    const waiting = deferred<T>();
    this.#waiting.add(waiting);
    work.then(waiting.resolve, waiting.reject);
    try {
      return await waiting.promise;
    } finally {
      this.#waiting.delete(waiting);
    }
  }

  /** Tells all who wait now. */
  end(answer: T): void {
    for (const waiting of this.#waiting) waiting.resolve(answer);
  }
}
