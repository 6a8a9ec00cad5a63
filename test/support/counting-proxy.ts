import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';

/** Stands before a relay on loopback and counts the messages that pass, by their type, each way. */
export class CountingProxy implements AsyncDisposable {
  /** Messages from the relay, by type. */
  readonly fromRelay = new Map<string, number>();
  /** Messages to the relay, by type. */
  readonly toRelay = new Map<string, number>();
  readonly url: string;
  readonly #server: Server;
  readonly #sockets = new Set<WebSocket>();

  private constructor(server: Server, target: string) {
    this.#server = server;
    this.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const acceptor = new WebSocketServer({ noServer: true });
    server.on('upgrade', (message, stream, head) => {
      acceptor.handleUpgrade(message, stream, head, (client) => this.#connect(client, new WebSocket(target)));
    });
    server.on('request', (message, response) => {
      const upstream = request(target.replace('ws:', 'http:') + message.url, { headers: message.headers });
      upstream.on('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      upstream.on('error', () => response.destroy());
      upstream.end();
    });
  }

  static async before(target: string): Promise<CountingProxy> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new CountingProxy(server, target);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.terminate();
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  #connect(client: WebSocket, relay: WebSocket): void {
    const waiting: string[] = [];
    this.#join(client, relay, (text) => {
      count(this.toRelay, text);
      if (relay.readyState === WebSocket.OPEN) relay.send(text);
      else waiting.push(text);
    });
    this.#join(relay, client, (text) => {
      count(this.fromRelay, text);
      client.send(text);
    });
    relay.on('open', () => {
      for (const text of waiting) relay.send(text);
    });
  }

  #join(from: WebSocket, to: WebSocket, onText: (text: string) => void): void {
    this.#sockets.add(from);
    from.on('message', (data) => onText(data.toString()));
    from.on('error', () => {});
    from.on('close', () => {
      this.#sockets.delete(from);
      to.close();
    });
  }
}

function count(counts: Map<string, number>, text: string): void {
  const [type] = JSON.parse(text) as [string];
  counts.set(type, (counts.get(type) ?? 0) + 1);
}
