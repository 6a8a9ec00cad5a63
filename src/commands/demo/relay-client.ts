import { type RawData, WebSocket } from 'ws';
import { type Deferred, deferred } from '../../lib/abort.js';
import { GraspError } from '../../lib/errors.js';
import type { NostrEvent } from '../../nostr/event.js';
import type { Filter } from '../../nostr/filter.js';
import { parseRelayMessage, type RelayMessage } from '../../nostr/message.js';

/** A relay did not do what the demonstration asked of it. */
export class DemoRelayError extends GraspError {
  constructor(url: string, what: string) {
    super('demo_relay', `${url}: ${what}`);
  }
}

/** The most stored events that one request of the demonstration brings. */
const pageEventsMax = 5_000;

/** A small client, as a person would run it: it publishes, reads and counts over one real socket. */
export class RelayClient implements AsyncDisposable {
  readonly #url: string;
  readonly #socket: WebSocket;
  readonly #publishing = new Map<string, Deferred<void>>();
  readonly #reading = new Map<
    string,
    { readonly events: NostrEvent[]; readonly done: Deferred<NostrEvent[]> }
  >();
  readonly #counting = new Map<string, Deferred<number>>();
  #requests = 0;

  private constructor(url: string, socket: WebSocket) {
    this.#url = url;
    this.#socket = socket;
    socket.on('message', (data: RawData) => this.#onMessage(parseRelayMessage(String(data))));
    socket.on('close', () => this.#failAll(new DemoRelayError(url, 'the connection was closed')));
    socket.on('error', () => {});
  }

  /** Connects; rejects when that fails. */
  static async connect(url: string): Promise<RelayClient> {
    const socket = new WebSocket(url);
    const { promise, resolve, reject } = deferred<void>();
    socket.once('open', resolve);
    socket.once('error', reject);
    await promise;
    return new RelayClient(url, socket);
  }

  /** Publishes an event and waits for its `OK`; rejects when the relay refuses it. */
  publish(event: NostrEvent): Promise<void> {
    const answer = deferred<void>();
    this.#publishing.set(event.id, answer);
    this.#send(['EVENT', event]);
    return answer.promise;
  }

  /** All stored events that match; rejects when there are more than one request brings. */
  async read(filter: Filter): Promise<NostrEvent[]> {
    const request = this.#nextRequest();
    const done = deferred<NostrEvent[]>();
    this.#reading.set(request, { events: [], done });
    this.#send(['REQ', request, { ...filter, limit: pageEventsMax }]);
    const events = await done.promise;
    if (events.length >= pageEventsMax) throw new DemoRelayError(this.#url, 'more events than expected');
    return events;
  }

  /** How many stored events match (NIP-45). */
  count(filter: Filter): Promise<number> {
    const request = this.#nextRequest();
    const answer = deferred<number>();
    this.#counting.set(request, answer);
    this.#send(['COUNT', request, filter]);
    return answer.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    const { promise, resolve } = deferred<void>();
    this.#socket.once('close', () => resolve());
    this.#socket.close();
    await promise;
  }

  #nextRequest(): string {
    this.#requests += 1;
    return `demo-${this.#requests}`;
  }

  #send(message: unknown[]): void {
    this.#socket.send(JSON.stringify(message));
  }

  #onMessage(message: RelayMessage): void {
    if (message.type === 'OK') this.#onOk(message.eventId, message.accepted, message.reason);
    else if (message.type === 'EVENT') this.#reading.get(message.subscription)?.events.push(message.event);
    else if (message.type === 'EOSE') this.#onEndOfStored(message.subscription);
    else if (message.type === 'COUNT') this.#counting.get(message.subscription)?.resolve(message.count);
    else if (message.type === 'CLOSED' || message.type === 'NOTICE') {
      this.#failAll(new DemoRelayError(this.#url, JSON.stringify(message)));
    }
  }

  #onOk(id: string, accepted: boolean, reason: string): void {
    const answer = this.#publishing.get(id);
    this.#publishing.delete(id);
    if (accepted) answer?.resolve();
    else answer?.reject(new DemoRelayError(this.#url, `refused an event: ${reason}`));
  }

  #onEndOfStored(request: string): void {
    const reading = this.#reading.get(request);
    if (reading === undefined) return;
    this.#reading.delete(request);
    this.#send(['CLOSE', request]);
    reading.done.resolve(reading.events);
  }

  #failAll(error: DemoRelayError): void {
    for (const answer of this.#publishing.values()) answer.reject(error);
    for (const { done } of this.#reading.values()) done.reject(error);
    for (const answer of this.#counting.values()) answer.reject(error);
  }
}
