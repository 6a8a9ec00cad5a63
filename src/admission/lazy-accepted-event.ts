import { eventJson, type NostrEvent } from '../nostr/event.js';
import type { AcceptedEvent, EventSource } from './admission.js';

/** An accepted event whose JSON is made once, when somebody first asks for it: most events nobody listens for. */
export class LazyAcceptedEvent implements AcceptedEvent {
  readonly event: NostrEvent;
  readonly source: EventSource;
  readonly sequence: number | undefined;
  #json: string | undefined;

  constructor(event: NostrEvent, source: EventSource, sequence: number | undefined) {
    this.event = event;
    this.source = source;
    this.sequence = sequence;
  }

  get stored(): boolean {
    return this.sequence !== undefined;
  }

  get json(): string {
    this.#json ??= eventJson(this.event);
    return this.#json;
  }
}
