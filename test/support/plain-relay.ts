import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { NostrEvent } from '../../src/nostr/event.js';
import type { Filter } from '../../src/nostr/filter.js';
import { compileFilters } from '../../src/nostr/filter-match.js';

/** What a relay does besides serving. */
export type PlainRelayOptions = {
  readonly port?: number;
  /** Answers requests only to those who authenticated (NIP-42). */
  readonly authRequired?: boolean;
  /** After that many requests on a connection, the next one is refused as `rate-limited:`, once. */
  readonly rateLimitAfter?: number;
  /** Takes NEG-OPEN, and says nothing to it, though its NIP-11 document would list 77. */
  readonly isSilentOnNegentropy?: boolean;
};

type Client = {
  readonly socket: WebSocket;
  readonly subscriptions: Map<string, Filter[]>;
  readonly challenge: string;
  pubkey: string | undefined;
  requests: number;
};

/**
 * A relay that knows NIP-01, NIP-42 if told so, and nothing else, over a real socket on loopback: it serves a list of
 * events and what is added to it, and answers anything else with a NOTICE.
 */
export class PlainRelay implements AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** The filters of every REQ, in order. */
  readonly requested: Filter[][] = [];
  /** When a request was refused as `rate-limited:`, and when each came, in milliseconds. */
  readonly refusedAt: number[] = [];
  readonly requestedAt: number[] = [];
  /** How often NEG-OPEN came and was not answered. */
  negentropyOpened = 0;
  readonly #server: WebSocketServer;
  readonly #events: NostrEvent[];
  readonly #options: PlainRelayOptions;
  readonly #clients = new Set<Client>();

  private constructor(server: WebSocketServer, events: readonly NostrEvent[], options: PlainRelayOptions) {
    this.#server = server;
    this.#events = [...events];
    this.#options = options;
    this.port = (server.address() as AddressInfo).port;
    this.url = `ws://127.0.0.1:${this.port}`;
    server.on('connection', (socket) => this.#onConnection(socket));
  }

  static async serve(
    events: readonly NostrEvent[] = [],
    options: PlainRelayOptions = {},
  ): Promise<PlainRelay> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: options.port ?? 0 });
    await once(server, 'listening');
    return new PlainRelay(server, events, options);
  }

  /** The keys that authenticated on the open connections. */
  get authenticated(): string[] {
    return [...this.#clients].flatMap(({ pubkey }) => pubkey ?? []);
  }

  /** The open subscriptions of all clients. */
  get subscriptions(): Filter[][] {
    return [...this.#clients].flatMap(({ subscriptions }) => [...subscriptions.values()]);
  }

  /** Adds an event and sends it to those who listen. */
  add(event: NostrEvent): void {
    this.#events.push(event);
    for (const { socket, subscriptions } of this.#clients) {
      for (const [id, filters] of subscriptions) {
        if (compileFilters(filters)(event)) send(socket, 'EVENT', id, event);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { socket } of this.#clients) socket.terminate();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #onConnection(socket: WebSocket): void {
    const client: Client = {
      socket,
      subscriptions: new Map(),
      challenge: randomUUID(),
      pubkey: undefined,
      requests: 0,
    };
    this.#clients.add(client);
    socket.on('close', () => this.#clients.delete(client));
    socket.on('message', (data) => this.#onMessage(client, JSON.parse(data.toString()) as unknown[]));
    if (this.#options.authRequired === true) send(socket, 'AUTH', client.challenge);
  }

  #onMessage(client: Client, [type, subject, ...filters]: unknown[]): void {
    if (type === 'REQ') this.#onRequest(client, String(subject), filters as Filter[]);
    else if (type === 'CLOSE') client.subscriptions.delete(String(subject));
    else if (type === 'AUTH') this.#onAuth(client, subject as NostrEvent);
    else if (type === 'NEG-OPEN' && this.#options.isSilentOnNegentropy === true) this.negentropyOpened += 1;
    else send(client.socket, 'NOTICE', `unknown message ${String(type)}`);
  }

  #onAuth(client: Client, event: NostrEvent): void {
    const isRight =
      event.kind === 22242 &&
      event.tags.some(([name, value]) => name === 'challenge' && value === client.challenge) &&
      event.tags.some(([name, value]) => name === 'relay' && value?.replace(/\/$/, '') === this.url);
    if (isRight) client.pubkey = event.pubkey;
    send(client.socket, 'OK', event.id, isRight, isRight ? '' : 'invalid: wrong challenge');
  }

  #onRequest(client: Client, id: string, filters: Filter[]): void {
    this.requestedAt.push(Date.now());
    this.requested.push(filters);
    client.requests += 1;
    if (this.#options.authRequired === true && client.pubkey === undefined) {
      send(client.socket, 'CLOSED', id, 'auth-required: who are you?');
    } else if (client.requests === this.#options.rateLimitAfter) {
      this.refusedAt.push(Date.now());
      send(client.socket, 'CLOSED', id, 'rate-limited: slow down');
    } else this.#answer(client, id, filters);
  }

  #answer({ socket, subscriptions }: Client, id: string, filters: Filter[]): void {
    subscriptions.set(id, filters);
    for (const filter of filters) {
      const found = this.#events
        .filter(compileFilters([filter]))
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
