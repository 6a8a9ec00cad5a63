import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * Gives each connection to the next of some ports of loopback in turn, as a load balancer does; one at which nobody listens is
 * passed over. What is sent is left as it is.
 */
export class ConnectionSpreader implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  #ports: readonly number[] = [];
  readonly #sockets = new Set<Socket>();
  #turn = 0;
  #closed: Promise<unknown> | undefined;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (client) => void this.#take(client));
  }

  /** Listens at a port of loopback, at any that is free when it is 0; whoever connects is sent away for now. */
  static async listen(port: number): Promise<ConnectionSpreader> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }).listen(port, '127.0.0.1');
    await once(server, 'listening');
    return new ConnectionSpreader(server);
  }

  /** Gives connections to these ports from now on. */
  spreadOver(ports: readonly number[]): void {
    this.#ports = ports;
  }

  /** Ends it with all connections, once. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#closed ??= once(this.#server.close(), 'close');
    await this.#closed;
  }

  async #take(client: Socket): Promise<void> {
    this.#own(client);
    for (let tries = 0; tries < this.#ports.length && !client.destroyed; tries += 1) {
      const port = this.#ports[this.#turn % this.#ports.length] as number;
      this.#turn += 1;
      const node = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
      this.#own(node);
      if (!(await opened(node))) continue;
      join(client, node);
      join(node, client);
      return;
    }
    client.destroy();
  }

  #own(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
  }
}

function opened(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('close', () => resolve(false));
  });
}

/** Passes on what one sends, and how it ends. */
function join(from: Socket, to: Socket): void {
  if (from.destroyed) to.destroy();
  else from.pipe(to);
  from.once('close', (hasFailed) => {
    if (hasFailed) to.resetAndDestroy();
  });
}
