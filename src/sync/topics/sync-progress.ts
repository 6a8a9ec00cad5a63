import type { Topic } from './layers.js';

type Entry = { readonly openedAt: number | undefined; readonly doneAt: number | undefined };

/**
 * What we have from one relay, by topic, for as long as the process lives: since when live sync covers it, and when it
 * was last caught up. It survives connections, so that a catch-up that was interrupted goes on where it was, and
 * nothing is taken for done that was not stored. Times are wall-clock seconds, as `created_at`.
 *
 * Thousands of topics are opened or done at once, and those share one entry.
 */
export class SyncProgress {
  readonly #entries = new Map<Topic, Entry>();

  get size(): number {
    return this.#entries.size;
  }

  /** A live subscription to the topic stands; only the first time counts. */
  opened(topics: readonly Topic[], now: number): void {
    this.#change(topics, (entry) => ({ openedAt: entry?.openedAt ?? now, doneAt: entry?.doneAt }));
  }

  /** Everything that the relay held about these topics at `at` is stored. */
  done(topics: readonly Topic[], at: number): void {
    this.#change(topics, (entry) => ({ openedAt: entry?.openedAt, doneAt: at }));
  }

  forget(topics: Iterable<Topic>): void {
    for (const topic of topics) this.#entries.delete(topic);
  }

  /** When our live subscription to the topic was first opened. */
  openedAt(topic: Topic): number | undefined {
    return this.#entries.get(topic)?.openedAt;
  }

  /** When the topic was last caught up completely. */
  doneAt(topic: Topic): number | undefined {
    return this.#entries.get(topic)?.doneAt;
  }

  /** The oldest of those times; `undefined` when one of the topics was never caught up. */
  oldestDoneAt(topics: Iterable<Topic>): number | undefined {
    let oldest: number | undefined;
    for (const topic of topics) {
      const at = this.doneAt(topic);
      if (at === undefined) return undefined;
      oldest = Math.min(oldest ?? at, at);
    }
    return oldest;
  }

  /** Puts another entry in the place of each, the same one for those that shared theirs. */
  #change(topics: readonly Topic[], next: (entry: Entry | undefined) => Entry): void {
    const changed = new Map<Entry | undefined, Entry>();
    for (const topic of topics) {
      const entry = this.#entries.get(topic);
      const after = changed.get(entry) ?? next(entry);
      changed.set(entry, after);
      this.#entries.set(topic, after);
    }
  }
}
