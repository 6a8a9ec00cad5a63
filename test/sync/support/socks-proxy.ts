import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A SOCKS5 proxy on loopback that leads every connection to one local port, whatever name it is asked for. */
export class SocksProxy implements AsyncDisposable {
  /** The names and ports that were asked for. */
  readonly asked: string[] = [];
  readonly url: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.url = `socks5h://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      void this.#serve(socket, port);
    });
  }

  static async listen(port: number): Promise<SocksProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new SocksProxy(server, port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** RFC 1928: a greeting, then CONNECT to a domain name. Each message comes in one piece on loopback. */
  async #serve(socket: Socket, port: number): Promise<void> {
    await once(socket, 'data');
    socket.write(Buffer.from([5, 0]));
    const [request] = (await once(socket, 'data')) as [Buffer];
    const nameEnd = 5 + (request[4] ?? 0);
    this.asked.push(`${request.toString('latin1', 5, nameEnd)}:${request.readUInt16BE(nameEnd)}`);
    const target = connect(port, '127.0.0.1');
    target.on('error', () => socket.destroy());
    this.#sockets.add(target);
    await once(target, 'connect');
    socket.write(Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 0]));
    socket.pipe(target).pipe(socket);
  }
}
