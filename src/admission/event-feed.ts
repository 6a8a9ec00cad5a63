import type { AcceptedEvent, Feed, RemovedEvents } from './admission.js';
import type { EventFailures } from './event-failures.js';

/** The feed: listeners are called in the order in which they came, synchronously, for one event after another. One that throws
 * keeps nothing from the others. */
export class EventFeed implements Feed {
  readonly #failures: Pick<EventFailures, 'attempt'>;
  readonly #accepted = new Set<(accepted: AcceptedEvent) => void>();
  readonly #removed = new Set<(removed: RemovedEvents) => void>();

  #announced: number;

  /** `announced` is the sequence of the last event that was stored before. */
  constructor(failures: Pick<EventFailures, 'attempt'>, announced: number) {
    this.#failures = failures;
    this.#announced = announced;
  }

  get announced(): number {
    return this.#announced;
  }

  onAccepted(listener: (accepted: AcceptedEvent) => void): () => void {
    this.#accepted.add(listener);
    return () => this.#accepted.delete(listener);
  }

  onRemoved(listener: (removed: RemovedEvents) => void): () => void {
    this.#removed.add(listener);
    return () => this.#removed.delete(listener);
  }

  emitAccepted(accepted: AcceptedEvent): void {
    this.#announced = accepted.sequence ?? this.#announced;
    for (const listener of this.#accepted)
      this.#failures.attempt(accepted.event.id, () => listener(accepted));
  }

  emitRemoved(removed: RemovedEvents): void {
    if (removed.removed.length === 0) return;
    for (const listener of this.#removed)
      this.#failures.attempt(removed.removed[0]?.id, () => listener(removed));
  }
}
