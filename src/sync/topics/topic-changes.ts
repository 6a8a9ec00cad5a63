import type { Topic } from './layers.js';

/** What a relay is to be asked about anew, and no longer, since the last look. */
export type TopicChanges = { readonly added: Set<Topic>; readonly removed: Set<Topic> };

/** Every relay there is. */
export const everywhere: unique symbol = Symbol('everywhere');

/** Where something is asked about: on one relay, by its URL, or on all. */
export type Place = string | typeof everywhere;

/** Gathers the changes of what relays are to be asked about until somebody takes them. */
export class ChangesByPlace {
  #changes = new Map<Place, TopicChanges>();

  /** What was added and removed again, or the other way round, is no change. */
  note(place: Place, topic: Topic, change: 'added' | 'removed'): void {
    let changes = this.#changes.get(place);
    if (changes === undefined) {
      changes = { added: new Set(), removed: new Set() };
      this.#changes.set(place, changes);
    }
    const opposite = change === 'added' ? changes.removed : changes.added;
    if (!opposite.delete(topic)) changes[change].add(topic);
  }

  take(): ReadonlyMap<Place, TopicChanges> {
    const changes = this.#changes;
    this.#changes = new Map();
    return changes;
  }
}
