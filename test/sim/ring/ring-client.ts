import type { NostrEvent } from '../../../src/nostr/event.js';
import type { HostSession } from '../network/connection.js';
import type { RelaySide } from './relay-side.js';

/** A client beside one member: publishes, and is subscribed to all that is new there. */
export class RingClient {
  readonly #onAcknowledged: (event: NostrEvent) => void;
  readonly #session: HostSession;
  readonly #unanswered = new Map<string, NostrEvent>();

  /** `onAcknowledged` is told of each event that was answered with `OK true`. */
  constructor(relay: RelaySide, onAcknowledged: (event: NostrEvent) => void, report: (what: string) => void) {
    this.#onAcknowledged = onAcknowledged;
    this.#session = relay.accept({
      bufferedBytes: 0,
      send: (text) => this.#receive(text),
      close: () => report(`${relay.url} closes a client's connection`),
      abort: () => report(`${relay.url} drops a client`),
    });
    this.#session.received(JSON.stringify(['REQ', 'new', { limit: 0 }]));
  }

  /** How many events have no answer yet. */
  get unanswered(): number {
    return this.#unanswered.size;
  }

  publish(event: NostrEvent): void {
    this.#unanswered.set(event.id, event);
    this.#session.received(JSON.stringify(['EVENT', event]));
  }

  close(): void {
    this.#session.closed();
  }

  #receive(text: string): void {
    const [type, id, accepted] = JSON.parse(text) as [string, string, unknown];
    const event = this.#unanswered.get(id);
    if (type !== 'OK' || event === undefined) return;
    this.#unanswered.delete(id);
    if (accepted === true) this.#onAcknowledged(event);
  }
}
