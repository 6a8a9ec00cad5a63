import type { AcceptedEvent, Feed, RemovedEvents } from './admission.js';

/** The feed: listeners are called in the order in which they came, synchronously, for one event after another. */
export class EventFeed implements Feed {
  readonly #accepted = new Set<(accepted: AcceptedEvent) => void>();
  readonly #removed = new Set<(removed: RemovedEvents) => void>();

  onAccepted(listener: (accepted: AcceptedEvent) => void): () => void {
    this.#accepted.add(listener);
    return () => this.#accepted.delete(listener);
  }

  onRemoved(listener: (removed: RemovedEvents) => void): () => void {
    this.#removed.add(listener);
    return () => this.#removed.delete(listener);
  }

  emitAccepted(accepted: AcceptedEvent): void {
    for (const listener of this.#accepted) listener(accepted);
  }

  emitRemoved(removed: RemovedEvents): void {
    if (removed.removed.length === 0) return;
    for (const listener of this.#removed) listener(removed);
  }
}
