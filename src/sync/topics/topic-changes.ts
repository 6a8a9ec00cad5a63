import type { Topic } from './layers.js';

/** What a relay is to be asked about anew, and no longer, since the last look. */
export type TopicChanges = { readonly added: Set<Topic>; readonly removed: Set<Topic> };

/** The place of changes that concern every relay. */
export const everywhere = '';

/** Gathers the changes of what relays are to be asked about until somebody takes them. */
export class ChangesByRelay {
  #changes = new Map<string, TopicChanges>();

  /** What was added and removed again, or the other way round, is no change. */
  note(relay: string, topic: Topic, change: 'added' | 'removed'): void {
    let changes = this.#changes.get(relay);
    if (changes === undefined) {
      changes = { added: new Set(), removed: new Set() };
      this.#changes.set(relay, changes);
    }
    const opposite = change === 'added' ? changes.removed : changes.added;
    if (!opposite.delete(topic)) changes[change].add(topic);
  }

  take(): ReadonlyMap<string, TopicChanges> {
    const changes = this.#changes;
    this.#changes = new Map();
    return changes;
  }
}
