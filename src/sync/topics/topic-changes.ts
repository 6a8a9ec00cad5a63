import type { Home, Topic } from './layers.js';

/** What may have changed of a home since the last look. */
export type HomeChanges = {
  readonly home: Home;
  /** That came, or went. */
  readonly topics: Set<Topic>;
  /** That are asked about the home only now, or no longer. */
  readonly relays: Set<string>;
};

/**
 * Gathers what may have changed of what relays are to be asked about until somebody takes it, by home: what it costs
 * does not grow with the relays that ask about a repository, nor with what belongs to it.
 */
export class ChangesByHome {
  readonly #changes = new Map<Home, HomeChanges>();
  #onChanged: () => void = () => {};

  /** How many homes have changes. */
  get size(): number {
    return this.#changes.size;
  }

  /** Has the listener called when there is something new. */
  onChanged(listener: () => void): void {
    this.#onChanged = listener;
  }

  noteTopic(home: Home, topic: Topic): void {
    this.#of(home).topics.add(topic);
  }

  noteRelay(home: Home, relay: string): void {
    this.#of(home).relays.add(relay);
  }

  /** Takes the changes of the home that has had some for longest. */
  takeFirst(): HomeChanges | undefined {
    for (const [home, changes] of this.#changes) {
      this.#changes.delete(home);
      return changes;
    }
    return undefined;
  }

  #of(home: Home): HomeChanges {
    let changes = this.#changes.get(home);
    if (changes === undefined) {
      changes = { home, topics: new Set(), relays: new Set() };
      this.#changes.set(home, changes);
      this.#onChanged();
    }
    return changes;
  }
}
