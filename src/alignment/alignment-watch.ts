export type WatchedAlignment = {
  /** Resolves when it works, or it turns out that it cannot. */
  readonly begun: Promise<void>;
  /** The work of now, by repository; never rejects. */
  readonly running: ReadonlyMap<string, Promise<void>>;
  isQueued(key: string): boolean;
  /** Whether it failed, and waits to be tried again. */
  isToRetry(key: string): boolean;
};

/** The repositories that the alignment is asked to look at while somebody follows it, whatever else it has to do. */
export class AlignmentWatch implements Disposable {
  readonly #alignment: WatchedAlignment;
  readonly #onEnd: () => void;
  /** As many as there are repositories, at most. */
  readonly #keys = new Set<string>();

  constructor(alignment: WatchedAlignment, onEnd: () => void) {
    this.#alignment = alignment;
    this.#onEnd = onEnd;
  }

  add(key: string): void {
    this.#keys.add(key);
  }

  /** Those of them that are queued or worked on. */
  get pending(): number {
    let pending = 0;
    for (const key of this.#keys) if (this.#isPending(key)) pending += 1;
    return pending;
  }

  /** Resolves when all of them were looked at, or git cannot be used: to the number of those that are left, to be tried again. */
  async idle(): Promise<number> {
    const { begun, running, isQueued, isToRetry } = this.#alignment;
    await begun;
    let left = 0;
    for (const key of this.#keys) {
      while (this.#isPending(key) && running.size > 0) await Promise.race(running.values());
      if (isQueued(key) || isToRetry(key)) left += 1;
    }
    return left;
  }

  [Symbol.dispose](): void {
    this.#onEnd();
  }

  #isPending(key: string): boolean {
    const { running, isQueued } = this.#alignment;
    return running.has(key) || isQueued(key);
  }
}
