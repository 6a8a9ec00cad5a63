import { once } from 'node:events';
import { WebSocket } from 'ws';
import { type Deferred, deferred } from '../../src/lib/abort.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import type { Filter } from '../../src/nostr/filter.js';

type Message = readonly [type: string, ...rest: unknown[]];

/** A plain NIP-01 client for tests: sends frames, waits for frames. */
export class TestClient implements AsyncDisposable {
  readonly received: Message[] = [];
  readonly #socket: WebSocket;
  readonly #watchers = new Set<() => void>();
  readonly #answers = new Map<string, Deferred<{ accepted: boolean; reason: string }>>();
  #subscriptions = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => {
      const message = JSON.parse(data.toString()) as Message;
      this.received.push(message);
      if (message[0] === 'OK') this.#onOk(message);
      for (const watcher of this.#watchers) watcher();
    });
    socket.on('close', () => {
      for (const answer of this.#answers.values())
        answer.reject(new Error('the relay closed the connection'));
    });
    socket.on('error', () => {});
  }

  /** Connects; `headers` are further ones of the handshake. */
  static async connect(url: string, headers: Readonly<Record<string, string>> = {}): Promise<TestClient> {
    const socket = new WebSocket(url, { headers });
    const client = new TestClient(socket);
    await once(socket, 'open');
    return client;
  }

  get closed(): boolean {
    return this.#socket.readyState === WebSocket.CLOSED;
  }

  send(...message: unknown[]): void {
    this.#socket.send(JSON.stringify(message));
  }

  /** The first message, received or still to come, that `matches`. */
  async message(matches: (message: Message) => boolean): Promise<Message> {
    let from = 0;
    return await this.#until(() => {
      while (from < this.received.length) {
        const message = this.received[from] as Message;
        from += 1;
        if (matches(message)) return message;
      }
      return undefined;
    });
  }

  /** Publishes and waits for the `OK`. */
  async publish(event: NostrEvent): Promise<{ readonly accepted: boolean; readonly reason: string }> {
    if (this.#socket.readyState !== WebSocket.OPEN) throw new Error('the relay closed the connection');
    const answer = deferred<{ accepted: boolean; reason: string }>();
    this.#answers.set(event.id, answer);
    this.send('EVENT', event);
    return await answer.promise;
  }

  /** What is stored for the filters. Rejects where the relay ends it before all of that was sent, as when it stops. */
  async query(...filters: Filter[]): Promise<NostrEvent[]> {
    this.#subscriptions += 1;
    const id = `query-${this.#subscriptions}`;
    this.send('REQ', id, ...filters);
    const [end, , reason] = await this.message(
      ([type, subscription]) => (type === 'EOSE' || type === 'CLOSED') && subscription === id,
    );
    if (end === 'CLOSED') throw new Error(`the relay ended the query: ${reason}`);
    this.send('CLOSE', id);
    return this.received.flatMap(([type, subscription, event]) =>
      type === 'EVENT' && subscription === id ? [event as NostrEvent] : [],
    );
  }

  /** How many stored events match (NIP-45). */
  async count(...filters: Filter[]): Promise<number> {
    this.#subscriptions += 1;
    const id = `count-${this.#subscriptions}`;
    this.send('COUNT', id, ...filters);
    const [, , body] = await this.message(([type, subscription]) => type === 'COUNT' && subscription === id);
    return (body as { count: number }).count;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.closed) return;
    this.#socket.terminate();
    await once(this.#socket, 'close');
  }

  #onOk([, id, accepted, reason]: Message): void {
    this.#answers.get(String(id))?.resolve({ accepted: accepted === true, reason: String(reason) });
    this.#answers.delete(String(id));
  }

  async #until<T>(look: () => T | undefined): Promise<T> {
    return await new Promise((resolve, reject) => {
      const check = () => {
        const found = look();
        if (found === undefined && !this.closed) return;
        this.#watchers.delete(check);
        this.#socket.off('close', check);
        if (found === undefined) reject(new Error('the relay closed the connection'));
        else resolve(found);
      };
      this.#watchers.add(check);
      this.#socket.on('close', check);
      check();
    });
  }
}
