import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/** A plain TCP connection to the port: what is sent and read on it is nobody's idea of a protocol. */
export class RawSocket implements Disposable {
  readonly #socket: Socket;
  readonly #watchers = new Set<() => void>();
  #received: Buffer = Buffer.alloc(0);
  #ended = false;

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#tell();
    });
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      this.#ended = true;
      this.#tell();
    });
  }

  /** All that came and was not taken away. */
  get received(): Buffer {
    return this.#received;
  }

  get ended(): boolean {
    return this.#ended;
  }

  write(bytes: Buffer | string): void {
    if (!this.#ended) this.#socket.write(bytes);
  }

  /** Takes away so many bytes of what came. */
  take(bytes: number): Buffer {
    const taken = this.#received.subarray(0, bytes);
    this.#received = this.#received.subarray(bytes);
    return taken;
  }

  /** Waits until something holds, the other side ends the connection, or the time is over; whether it holds. */
  async until(holds: () => boolean, ms: number): Promise<boolean> {
    if (holds()) return true;
    return await new Promise((resolve) => {
      const end = (result: boolean) => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        resolve(result);
      };
      const look = () => {
        if (holds()) end(true);
        else if (this.#ended) end(false);
      };
      const timer = setTimeout(() => end(holds()), ms);
      this.#watchers.add(look);
      look();
    });
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #tell(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

/** What stands before a request for a WebSocket; the head of the answer ends with an empty line. */
export function upgradeRequest(port: number): string {
  const key = randomBytes(16).toString('base64');
  const lines = [
    'GET / HTTP/1.1',
    `Host: 127.0.0.1:${port}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${key}`,
    'Sec-WebSocket-Version: 13',
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** The end of an HTTP head in what came; below 0 while it has not. */
export function headEnd(received: Buffer): number {
  const at = received.indexOf('\r\n\r\n');
  return at < 0 ? -1 : at + 4;
}
