import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { createServer, type Server, type TlsOptions } from 'node:tls';

/** A TLS server on loopback before a plain one, which counts what it is told above TLS. */
export class TlsFront implements AsyncDisposable {
  /** Connections that came, whatever became of their handshake. */
  connections = 0;
  /** Bytes that came above TLS. */
  bytesIn = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(target: number, options: TlsOptions) {
    this.#server = createServer(options, (near) => {
      const far = connect(target, '127.0.0.1');
      this.#keep(near);
      this.#keep(far);
      near.on('data', (bytes: Buffer) => {
        this.bytesIn += bytes.length;
      });
      near.pipe(far).pipe(near);
      near.on('close', () => far.destroy());
      far.on('close', () => near.destroy());
    });
    this.#server.on('connection', (socket) => {
      this.connections += 1;
      this.#keep(socket);
    });
    this.#server.on('tlsClientError', () => {});
  }

  /** Before what listens on port `target` of loopback. */
  static async before(target: number, options: TlsOptions): Promise<TlsFront> {
    const front = new TlsFront(target, options);
    front.#server.listen(0, '127.0.0.1');
    await once(front.#server, 'listening');
    return front;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
  }
}
