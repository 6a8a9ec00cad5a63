import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const headEnd = '\r\n\r\n';
const lastChunk = '0\r\n\r\n';

/**
 * One connection on which one request follows the other. It costs as little as it can, for it shares the cores with what it
 * measures: an answer is read to its end and no further looked at.
 */
export class HttpConnection {
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async open(url: string): Promise<HttpConnection> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    await once(socket, 'connect');
    return new HttpConnection(socket);
  }

  /** The whole answer to a GET, with its head, as it came. */
  async get(url: string): Promise<Buffer> {
    const { host, pathname, search } = new URL(url);
    this.#socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    const chunks: Buffer[] = [];
    let [bytes, bytesMax] = [0, Number.POSITIVE_INFINITY];
    for (;;) {
      const [chunk] = (await once(this.#socket, 'data')) as [Buffer];
      if (chunks.length === 0) bytesMax = bytesOfAnswer(chunk);
      chunks.push(chunk);
      bytes += chunk.length;
      const isLast = bytesMax === Number.POSITIVE_INFINITY && chunk.subarray(-lastChunk.length).equals(last);
      if (bytes >= bytesMax || isLast) return Buffer.concat(chunks);
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}

const last = Buffer.from(lastChunk);

/** Bytes of an answer that says its length; infinite where it comes in chunks. */
function bytesOfAnswer(first: Buffer): number {
  const end = first.indexOf(headEnd);
  if (end < 0) throw new Error('the head of the answer did not come in one piece');
  const length = /\r\ncontent-length: (\d+)/i.exec(first.toString('latin1', 0, end))?.[1];
  return length === undefined ? Number.POSITIVE_INFINITY : end + headEnd.length + Number(length);
}
