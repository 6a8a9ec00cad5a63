import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { NostrEvent } from '../../src/nostr/event.js';
import { type Filter, matchesFilter } from '../../src/nostr/filter.js';

/**
 * A relay that knows NIP-01 and nothing else, over a real socket on loopback: it serves a fixed list of events and
 * what is added to it, and answers anything else with a NOTICE.
 */
export class PlainRelay implements AsyncDisposable {
  readonly url: string;
  readonly #server: WebSocketServer;
  readonly #events: NostrEvent[];
  readonly #subscriptions = new Map<WebSocket, Map<string, Filter[]>>();

  private constructor(server: WebSocketServer, events: readonly NostrEvent[]) {
    this.#server = server;
    this.#events = [...events];
    this.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (socket) => {
      this.#subscriptions.set(socket, new Map());
      socket.on('close', () => this.#subscriptions.delete(socket));
      socket.on('message', (data) => this.#onMessage(socket, JSON.parse(data.toString()) as unknown[]));
    });
  }

  static async serve(events: readonly NostrEvent[] = []): Promise<PlainRelay> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    return new PlainRelay(server, events);
  }

  /** Adds an event and sends it to those who listen. */
  add(event: NostrEvent): void {
    this.#events.push(event);
    for (const [socket, subscriptions] of this.#subscriptions) {
      for (const [id, filters] of subscriptions) {
        if (filters.some((filter) => matchesFilter(filter, event))) send(socket, 'EVENT', id, event);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#subscriptions.keys()) socket.terminate();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #onMessage(socket: WebSocket, [type, id, ...filters]: unknown[]): void {
    if (type === 'REQ') this.#answer(socket, String(id), filters as Filter[]);
    else if (type === 'CLOSE') this.#subscriptions.get(socket)?.delete(String(id));
    else send(socket, 'NOTICE', `unknown message ${String(type)}`);
  }

  #answer(socket: WebSocket, id: string, filters: Filter[]): void {
    this.#subscriptions.get(socket)?.set(id, filters);
    for (const filter of filters) {
      const found = this.#events
        .filter((event) => matchesFilter(filter, event))
        .sort((a, b) => b.created_at - a.created_at)
        .slice(0, Math.min(filter.limit ?? 500, 500));
      for (const event of found) send(socket, 'EVENT', id, event);
    }
    send(socket, 'EOSE', id);
  }
}

function send(socket: WebSocket, ...message: unknown[]): void {
  socket.send(JSON.stringify(message));
}
