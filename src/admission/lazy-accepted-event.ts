import { eventJson, type NostrEvent } from '../nostr/event.js';
import type { AcceptedEvent, EventSource } from './admission.js';

/** An accepted event whose JSON is made once, when somebody first asks for it: most events nobody listens for. */
export class LazyAcceptedEvent implements AcceptedEvent {
  readonly event: NostrEvent;
  readonly source: EventSource;
  readonly stored: boolean;
  #json: string | undefined;

  constructor(event: NostrEvent, source: EventSource, stored: boolean) {
    this.event = event;
    this.source = source;
    this.stored = stored;
  }

  get json(): string {
    this.#json ??= eventJson(this.event);
    return this.#json;
  }
}
